import { type Capabilities, FEATURES, type Feature, resolveRequest } from '@heed/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { undeclared } from '../refusal.ts';
import { requestOf } from '../sketch.ts';
import { arbitraryInput } from './arbitrary-sketch.ts';

function capabilitiesOf(features: readonly Feature[], dtypes: Capabilities['dtypes']): Capabilities {
  return { dtypes, features, guarantees: [] };
}

/** Draws some problems, and checks that they use only declared features. */
function ensureDeclared(capabilities: Capabilities, count: number, seed: number): void {
  for (const { sketch, seed: numbers } of fc.sample(arbitraryInput(capabilities), { numRuns: count, seed })) {
    // The numbers do not matter: short axes are soon filled.
    const hasOwnSize = sketch.valueDim !== undefined;
    const small = {
      ...sketch,
      headDim: 4,
      ...(hasOwnSize && { valueDim: 2 }),
      ...(sketch.valueFromKey && { valueFromKey: { start: 0, length: hasOwnSize ? 2 : 4 } }),
    };
    const { problem } = resolveRequest(requestOf(small, numbers));
    expect(undeclared(capabilities, problem), JSON.stringify(sketch)).toEqual([]);
  }
}

describe('problems use what is declared, and nothing else', () => {
  const sets: Readonly<Record<string, readonly Feature[]>> = {
    nothing: [],
    everything: FEATURES,
    ...Object.fromEntries(FEATURES.map((feature) => [`only ${feature}`, [feature]])),
    ...Object.fromEntries(
      FEATURES.map((feature) => [`all but ${feature}`, FEATURES.filter((other) => other !== feature)]),
    ),
  };
  test.each(Object.entries(sets))('%s', (_, features) => {
    ensureDeclared(capabilitiesOf(features, ['float32']), 40, 1);
  });

  test('whatever is declared', () => {
    const dtypes = fc.constantFrom<Capabilities['dtypes'][]>(['float32'], ['float32', 'float64']);
    fc.assert(
      fc.property(fc.subarray([...FEATURES]), dtypes, fc.nat(), (features, types, seed) =>
        ensureDeclared(capabilitiesOf(features, types), 5, seed),
      ),
      { numRuns: 200 },
    );
  });
});
