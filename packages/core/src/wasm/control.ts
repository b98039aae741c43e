import { type Block, type Code, type ValueType, leaving } from './code.ts';
import { i32, int } from './instructions.ts';
import type { Variable } from './module.ts';

/** Runs `then` where the condition is not 0, else `otherwise`. */
export function when(condition: Code<'i32'>, then: Block, otherwise?: Block): Code<'none'> {
  return leaving([condition, 0x04, 0x40, then, otherwise === undefined ? [] : [0x05, otherwise], 0x0b]);
}

/** a where the condition is not 0, else b. Both are computed. */
export function select<T extends ValueType>(
  a: Code<T>,
  b: Code<NoInfer<T>>,
  condition: Code<'i32'>,
): Code<T> {
  return leaving([a, b, condition, 0x1b]);
}

/** The value, after the statements have run. */
export function after<T extends ValueType>(statements: Block, value: Code<T>): Code<T> {
  return leaving([statements, value]);
}

/** Runs the body while the condition, computed before each iteration, is not 0. */
export function whileTrue(condition: Code<'i32'>, body: Block): Code<'none'> {
  return leaving([0x02, 0x40, 0x03, 0x40, condition, 0x45, 0x0d, 1, body, 0x0c, 0, 0x0b, 0x0b]);
}

/** Runs the body, and repeats it while the condition is not 0: one branch an iteration, for inner loops. */
export function repeatWhile(condition: Code<'i32'>, body: Block): Code<'none'> {
  return leaving([0x03, 0x40, body, condition, 0x0d, 0, 0x0b]);
}

/** For i = from; i < to (unsigned); i += step. `to` is computed each iteration: make it a variable or a constant. */
export function count(
  i: Variable<'i32'>,
  from: Code<'i32'>,
  to: Code<'i32'>,
  step: number,
  body: Block,
): Block {
  return [i.set(from), whileTrue(i32.ltU(i, to), [body, i.set(i32.add(i, int(step)))])];
}

/** Takes a value off the stack. */
export function drop(value: Code<ValueType>): Code<'none'> {
  return leaving([value, 0x1a]);
}
