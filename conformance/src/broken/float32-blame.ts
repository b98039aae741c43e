import { type BackendProvider, CACHE_FEATURES, CONTRACT_VERSION, FEATURES, GUARANTEES } from '@heed/core';
import { defineBackend } from '@heed/core/backend';
import { expect, test } from 'vitest';
import { allCases } from '../all-cases.ts';
import { verify } from '../verify.ts';
import { type Float32Manner, float32Forward, float32Gradient } from './float32-flash.ts';

const MANNERS: Readonly<Record<string, Float32Manner>> = {
  'one loop after another': { lanes: 1, tile: 1, base2: false, scaledQuery: false },
  'four lanes': { lanes: 4, tile: 32, base2: false, scaledQuery: false },
  'eight lanes, scaled query': { lanes: 8, tile: 16, base2: false, scaledQuery: true },
  'base 2, scaled query': { lanes: 4, tile: 64, base2: true, scaledQuery: true },
};

/** A correct backend that computes everything in float32, soft attention only. */
function float32Provider(manner: Float32Manner): BackendProvider {
  return {
    contract: CONTRACT_VERSION,
    name: 'float32',
    probe: async () => ({ available: true }),
    create: async () =>
      defineBackend({
        name: 'float32',
        device: 'JavaScript float32',
        capabilities: {
          dtypes: ['float32'],
          features: FEATURES.filter(
            (feature) =>
              !feature.startsWith('selection') && feature !== 'dropout' && !CACHE_FEATURES.includes(feature),
          ),
          guarantees: GUARANTEES,
        },
        compile: (problem) => ({
          plan: { algorithm: 'flash', tile: { query: 1, key: manner.tile }, scratchBytes: 0 },
          run: (inputs) => float32Forward(problem, inputs, manner),
          gradient: (inputs, forward) => float32Gradient(problem, inputs, forward, manner),
        }),
      }),
  };
}

/** Defines tests that the suite finds no fault in correct backends that compute in float32: with one half of its cases each, or the other. */
export function testNoBlame(half: 0 | 1): void {
  test.each(Object.entries(MANNERS))(
    'arithmetic in float32 is not blamed: %s',
    { timeout: 300_000 },
    async (name, manner) => {
      const cases = (await allCases()).filter(
        ({ kind, clause }) => kind === 'agreement' || clause === 'merge',
      );
      const place = Object.keys(MANNERS).indexOf(name);
      const halved = cases.filter((_, n) => (n + place) % 2 === half);
      const report = await verify(float32Provider(manner), { cases: halved });
      expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
    },
  );
}
