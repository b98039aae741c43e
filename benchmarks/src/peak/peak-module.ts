import { type Code, ModuleBuilder, after, f32, f32x4, i32, int, repeatWhile } from '@heed/core/wasm';

/** Number of parallel sums: more than the latency of a multiply-add times the number of units. */
const ACCUMULATORS = 12;
const LANES = 4;

/** Floating-point operations of one turn of the loop: a multiplication and an addition in each lane of each sum. */
export const FLOPS_PER_ITERATION: number = ACCUMULATORS * LANES * 2;

/**
 * A WebAssembly module whose numbers all fit in registers, so that nothing else counts. It exports
 * `run(iterations: i32) → f32`: acc ← acc · 0.5 + 1 for each of twelve vectors of four float32, which tends to 2 and
 * never to anything that is slow to compute with.
 *
 * @param relaxed as one fused multiply-add (relaxed SIMD), or as a multiplication and an addition.
 */
export function peakModule(relaxed: boolean): Uint8Array<ArrayBuffer> {
  const { add, mul, relaxedMadd } = f32x4;
  const madd: typeof relaxedMadd = relaxed ? relaxedMadd : (a, b, c) => add(mul(a, b), c);
  const module = new ModuleBuilder();
  module.function({ parameters: ['i32'], result: 'f32', name: 'run' }, (body, iterations) => {
    const [factor, summand] = body.locals('v128', 2);
    const sums = body.locals('v128', ACCUMULATORS);
    const [first, ...others] = sums;
    return after(
      [
        factor.set(f32x4.splat(f32.const(0.5))),
        summand.set(f32x4.splat(f32.const(1))),
        repeatWhile(iterations.tee(i32.sub(iterations, int(1))), [
          sums.map((sum) => sum.set(madd(sum, factor, summand))),
        ]),
      ],
      f32x4.extract(
        others.reduce<Code<'v128'>>((total, sum) => add(total, sum), first),
        0,
      ),
    );
  });
  return module.build('none');
}
