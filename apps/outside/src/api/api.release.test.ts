import path from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { apiReport } from './report.ts';

const entries = inject('packages').flatMap(({ folder, manifest }) =>
  Object.entries(manifest.exports ?? {})
    // Modules of a pattern, such as the peers, share one form, which the package's entry declares.
    .filter(([name]) => !name.includes('*'))
    .filter(
      (entry): entry is [string, { types: string }] => (entry[1] as { types?: string }).types !== undefined,
    )
    .map(
      ([name, { types }]) =>
        [`${manifest.name}${name.slice(1)}`, path.join(inject('copy'), folder, types)] as const,
    ),
);

// A change of these files is a change of the public API and shows in review. The script `api` rewrites them.
describe('the public API is what the committed reports say', () => {
  test.each(entries)('%s', async (name, file) => {
    const report = apiReport(file);
    expect(report).toContain('export');
    await expect(report).toMatchFileSnapshot(
      `../../api/${name.replace('@', '').replaceAll('/', '-')}.api.d.ts`,
    );
  });
});
