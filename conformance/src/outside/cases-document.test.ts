import { readFile } from 'node:fs/promises';
import reference from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import { verify } from '../verify.ts';
import { parseCases } from './parse-cases.ts';

const root = new URL('../../', import.meta.url);

async function blockOf(language: string): Promise<string> {
  const text = await readFile(new URL('CASES.md', root), 'utf8');
  return text.split(`\`\`\`${language}\n`)[1]!.split('```\n')[0]!;
}

describe('CASES.md', () => {
  test('shows files that can be read, and that hold', async () => {
    const { cases } = parseCases(await blockOf('json'), 'CASES.md');
    const report = await verify(reference, { cases });
    expect(report).toMatchObject({ passed: 2, failed: 0 });
  });

  test('shows the script as it is', async () => {
    const script = await readFile(new URL('scripts/dump_torch_cases.py', root), 'utf8');
    expect(await blockOf('python')).toBe(script);
  });
});
