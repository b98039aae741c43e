import { describe, expect, test } from 'vitest';
import { peakLoop } from './peak-loop.ts';
import { FLOPS_PER_ITERATION, peakModule } from './peak-module.ts';

describe('the multiply-add loop', () => {
  // Relaxed SIMD needs Node 22; these tests run on the Node that contestants run on.
  test.each([false, true])('computes what it says, relaxed: %s', async (relaxed) => {
    const { instance } = await WebAssembly.instantiate(peakModule(relaxed));
    const run = instance.exports['run'] as (iterations: number) => number;
    // Twelve sums of ½ⁿ.
    expect(run(1)).toBe(12);
    expect(run(2)).toBe(18);
    expect(run(100)).toBe(24);
    expect(FLOPS_PER_ITERATION).toBe(96);
  });

  test('says what it uses and how much a run computes', async () => {
    const { device, flopsPerRun, run } = await peakLoop();
    expect(device).toMatch(/relaxed SIMD, 128 bits.*one thread/);
    expect(flopsPerRun).toBeGreaterThan(1e7);
    run();
  });
});
