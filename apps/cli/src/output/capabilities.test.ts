import { FEATURES, GUARANTEES, OPERATIONS } from '@heed/core';
import { expect, test } from 'vitest';
import { describeOperations } from './capabilities.ts';

const common = { dtypes: ['float32'], features: FEATURES, guarantees: GUARANTEES } as const;

test('operations are named, and so is their absence', () => {
  const describe = (operations?: (typeof OPERATIONS)[number][]) =>
    describeOperations({ ...common, ...(operations && { operations }) });
  expect(describe([...OPERATIONS])).toBe('every operation of a layer');
  expect(describe(['linear', 'norm'])).toBe('operations of a layer: linear, norm');
  expect(describe([])).toBe('operations of a layer: none');
  expect(describe()).toBe('operations of a layer: none');
});
