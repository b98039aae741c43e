import { FLOPS_PER_ITERATION, peakModule } from './peak-module.ts';

/** Loop that finds the peak of one core of the machine, as far as WebAssembly reaches. */
export interface PeakLoop {
  readonly device: string;
  readonly flopsPerRun: number;
  run(): void;
}

/** One run takes about a millisecond. */
const ITERATIONS = 500_000;

/**
 * Multiply-adds in registers, on one thread, 128 bits at a time: the most that an engine in JavaScript or WebAssembly
 * can reach. Native libraries with wider registers may exceed it.
 */
export async function peakLoop(): Promise<PeakLoop> {
  const relaxed = WebAssembly.validate(peakModule(true));
  const { instance } = await WebAssembly.instantiate(peakModule(relaxed));
  const loop = instance.exports['run'] as (iterations: number) => number;
  return {
    device: `WebAssembly ${relaxed ? 'relaxed SIMD' : 'SIMD'}, 128 bits, multiply-add in registers, one thread`,
    flopsPerRun: ITERATIONS * FLOPS_PER_ITERATION,
    run: () => void loop(ITERATIONS),
  };
}
