import { allCases, verify } from '@heed/conformance';
import { withOptions } from '@heed/core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import native from '../index.ts';
import { loadBinding } from '../platform/load.ts';
import { Memory } from './memory.ts';

const loaded = loadBinding();
const levels = 'binding' in loaded ? loaded.binding.levels().map(({ option }) => option) : [];

const cases = await allCases();
/** One case in so many, with gradients and each output among them. The best level stands for the others: they share the code. */
const EVERY = 25;

/** Results lie in memory with any content: here, NaN, which no case takes for a result that was written. */
describe('results in memory full of NaN', () => {
  let filled = 0;

  beforeAll(() => {
    // Not memory that runs under way may still read: this is JavaScript that writes to it.
    vi.spyOn(Memory.prototype, 'result').mockImplementation(function spoiled(this: Memory, dtype, shape) {
      const tensor = this.blank(dtype, shape);
      const { buffer, byteOffset, byteLength } = tensor.data;
      new Uint8Array(buffer, byteOffset, byteLength).fill(255);
      filled++;
      return tensor;
    });
  });
  afterAll(() => {
    vi.restoreAllMocks();
    expect(filled === 0).toBe(levels.length === 0);
  });

  test.runIf(levels.length > 0)('all of them are written', { timeout: 600_000 }, async () => {
    const sample = cases.filter((_, n) => n % EVERY === 0);
    const { clauses, passed } = await verify(withOptions(native, { threads: 1 }), { cases: sample });
    expect(clauses.flatMap(({ failures }) => failures)).toEqual([]);
    expect(passed).toBeGreaterThan(100);
  });
});
