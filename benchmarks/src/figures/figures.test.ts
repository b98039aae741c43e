import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sampleResults } from '../test/sample-results.ts';
import { generatedFiles } from './documents.ts';
import { picturesOf, tableOf, withTable } from './figures.ts';

describe('documents', () => {
  // If this fails: npx -y pnpm@10.34.9 --filter @heed/benchmarks figures
  test.each([...generatedFiles()])('%s is what the newest results say', (file, content) => {
    expect(readFileSync(file, 'utf8')).toBe(content);
  });
});

describe('the table', () => {
  const results = sampleResults();
  const table = tableOf(results, 'figures/');

  test('ranks those who were measured by their best speed, and says what they ran on', () => {
    const names = [...table.matchAll(/^\| (?:\*\*)?([^|*]+?)(?:\*\*)? \| a model/gm)].map(
      (match) => match[1],
    );
    expect(names).toEqual([
      'PyTorch',
      '@heed/backend-wasm',
      '@heed/backend-ts',
      'triple loop',
      '@tensorflow/tfjs-backend-cpu',
    ]);
    expect(table).toContain('N = 512 | N = 2048 | N = 8192');
    expect(table).not.toMatch(/undefined|NaN|null/);
  });

  test('changes with the numbers', () => {
    expect(tableOf(sampleResults({ speed: 2 }), 'figures/')).not.toBe(table);
  });

  test('goes between the marks of a document, and nowhere else', () => {
    const document = withTable(`a\n${readMarks()[0]}\nold\n${readMarks()[1]}\nb`, 'new');
    expect(document).toMatch(/^a\n.*\nnew\n.*\nb$/);
    expect(() => withTable('no marks', 'new')).toThrow(/has no part between/);
  });
});

test('pictures stand by themselves and are the same each time', () => {
  const [one, again] = [picturesOf(sampleResults()), picturesOf(sampleResults())];
  expect(one.map(({ name }) => name)).toEqual([
    'dense-speed.svg',
    'dense-time.svg',
    'dense-memory.svg',
    'causal-speed.svg',
  ]);
  expect(again).toEqual(one);
  for (const { svg } of one) {
    expect(svg).toMatch(/^<svg [^>]*><style>[\s\S]*prefers-color-scheme: dark/);
    expect(svg).toMatch(/<\/svg>\n$/);
  }
});

/** Reads the marks from the error message. */
function readMarks(): [string, string] {
  try {
    withTable('', '');
  } catch (error) {
    const [, begin, end] = /between "(.*)" and "(.*)"/.exec((error as Error).message)!;
    return [begin!, end!];
  }
  throw new Error('a document without marks was accepted');
}
