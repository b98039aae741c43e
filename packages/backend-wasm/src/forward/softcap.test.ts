import { CAPS, capErrors } from '@heed/testing';
import { expect, test } from 'vitest';
import wasm from '../index.ts';

test.each(['auto', false] as const)(
  'capped scores are rounded up as often as down, relaxed SIMD %s',
  async (relaxedSimd) => {
    const backend = await wasm.create({ threads: 1, relaxedSimd });
    for (const cap of CAPS) {
      const { largest, mean } = await capErrors(backend, cap);
      expect(largest, `cap ${cap}`).toBeLessThan(5);
      expect(Math.abs(mean), `cap ${cap}`).toBeLessThan(0.15);
    }
    await backend.dispose();
  },
);
