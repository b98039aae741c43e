import { describe, expect, test } from 'vitest';
import { attendHere, distance } from './compare.ts';
import type { DocumentedPair } from './documented/documented.ts';
import { FLASH_ATTENTION } from './documented/flash-attention.ts';
import { XFORMERS } from './documented/xformers.ts';
import { INPUTS } from './inputs.ts';
import { migratingRows } from './migrating-rows.ts';
import { TABLES } from './tables/index.ts';

/** Rows that change no number. */
const ABOUT_OTHER_THINGS: readonly string[] = ['`deterministic=True`'];
/** Tables of whole models, which the tests of `@heed/models` compare. */
const OF_MODELS: readonly string[] = ['transformers.js'];

const DOCUMENTED: Readonly<Record<string, Readonly<Record<string, readonly DocumentedPair[]>>>> = {
  'FlashAttention: `flash_attn_func`': FLASH_ATTENTION,
  'xFormers: `memory_efficient_attention`': XFORMERS,
};

describe('every row of MIGRATING.md is compared, and no other', () => {
  const compared = new Map([
    ...TABLES.map(({ heading, rows }) => [heading, Object.keys(rows)] as const),
    ...Object.entries(DOCUMENTED).map(([heading, rows]) => [heading, Object.keys(rows)] as const),
  ]);
  const tables = [...migratingRows()].filter(
    ([heading, rows]) => rows.length > 0 && !OF_MODELS.includes(heading),
  );

  test('and every table', () => {
    expect(tables.map(([heading]) => heading).sort()).toEqual([...compared.keys()].sort());
  });

  test.each(tables)('%s', (heading, rows) => {
    expect(compared.get(heading)).toEqual(rows.filter((row) => !ABOUT_OTHER_THINGS.includes(row)));
  });
});

describe.each(Object.entries(DOCUMENTED))('%s, as it is documented', (_, rows) => {
  test.each(Object.entries(rows))('%s', async (_row, pairs) => {
    for (const { there, here } of pairs) {
      const described = there(INPUTS);
      const names = Object.keys(described) as (keyof typeof described)[];
      const request = here(INPUTS);
      const wanted = names.filter((name) => name === 'output' || request.logSumExp === true);
      const results = await attendHere(here, wanted);
      for (const [n, name] of wanted.entries())
        expect(distance(described[name]!, results[n]!)).toBeLessThan(1e-5);
    }
  });
});
