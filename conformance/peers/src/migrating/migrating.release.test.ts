import { describe, expect, test } from 'vitest';
import { attendHere, distance } from './compare.ts';
import { evaluateThere } from './python.ts';
import { TABLES } from './tables/index.ts';

describe.each(TABLES)('$heading, side by side', (table) => {
  const pairs = Object.entries(table.rows).flatMap(([row, all]) => all.map((pair) => ({ row, ...pair })));
  const { results, words } = evaluateThere(
    table,
    pairs.map(({ there }) => there),
  );

  test('the library is here, or Python says that it is not', () => {
    if (results === null) expect(words).toMatch(/No module named|not found|ENOENT/);
    else expect(results).toHaveLength(pairs.length);
  });

  if (results === null) return;
  test.each(pairs.map((pair, n) => [pair.row, pair.there, pair, results[n]!] as const))(
    '%s: %s',
    async (_row, _there, { here, results: names, refused }, evaluated) => {
      const own = await attendHere(here, names);
      if (refused) {
        expect(evaluated.error).toBeDefined();
        return;
      }
      expect(evaluated.error).toBeUndefined();
      expect(evaluated.arrays).toHaveLength(own.length);
      for (const [at, array] of evaluated.arrays!.entries()) {
        expect(distance(array, own[at]!)).toBeLessThan(1e-5);
      }
    },
  );
});
