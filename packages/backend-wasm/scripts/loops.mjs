// Loops that show what the machine can do, as WebAssembly on the memory of a backend.
import { ModuleBuilder, after, count, f32, f32x4, i32, int, repeatWhile, v128 } from '@heed/core/wasm';
import { elementOf } from '../dist/module/element.js';

/** Number of parallel sums: more than the latency of an instruction times the number of units. */
const SUMS = 12;
const TURNS = 500_000;
/** Number of bytes that one turn of `sum` reads. */
export const SUM_STEP = 128;
/** Floating-point operations of one task of `multiplyAdd`. */
export const TASK_FLOPS = TURNS * SUMS * 4 * 2;

/**
 * A module with `multiplyAdd(task, to, scratch)`, multiply-adds that never leave the registers, and
 * `sum(from, end) → f32`, which reads memory and does as little as can be.
 */
export async function loops(memory, { shared, relaxed }) {
  const builder = new ModuleBuilder();
  const element = elementOf('float32', relaxed, false);
  const total = ([first, ...others]) => others.reduce((sum, other) => f32x4.add(sum, other), first);
  builder.function({ parameters: ['i32', 'i32', 'i32'], name: 'multiplyAdd' }, (body, _task, to) => {
    const turn = body.local('i32');
    const [factor, summand, ...sums] = body.locals('v128', SUMS + 2);
    return [
      factor.set(f32x4.splat(f32.const(0.5))),
      summand.set(f32x4.splat(f32.const(1))),
      // Tends to 2, and never to anything that is slow to compute with.
      turn.set(int(TURNS)),
      repeatWhile(turn.tee(i32.sub(turn, int(1))), [
        sums.map((sum) => sum.set(element.madd(sum, factor, summand))),
      ]),
      v128.store(to, total(sums)),
    ];
  });
  builder.function({ parameters: ['i32', 'i32'], result: 'f32', name: 'sum' }, (body, from, end) => {
    const sums = body.locals('v128', SUM_STEP / 16);
    return after(
      count(from, from, end, SUM_STEP, [
        sums.map((sum, n) => sum.set(f32x4.add(sum, v128.load(from, 16 * n)))),
      ]),
      f32x4.extract(total(sums), 0),
    );
  });
  const module = await WebAssembly.compile(builder.build(shared ? 'shared' : 'unshared'));
  return { module, instance: await WebAssembly.instantiate(module, { env: { memory } }) };
}
