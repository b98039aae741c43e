import type { Code } from './code.ts';
import { i32, int } from './instructions.ts';
import type { Variable } from './module.ts';

export function when(condition: Code, then: Code, otherwise?: Code): Code {
  return [condition, 0x04, 0x40, then, otherwise === undefined ? [] : [0x05, otherwise], 0x0b];
}

/** a where the condition holds, else b. Both are computed. */
export function select(a: Code, b: Code, condition: Code): Code {
  return [a, b, condition, 0x1b];
}

export function whileTrue(condition: Code, body: Code): Code {
  return [0x02, 0x40, 0x03, 0x40, condition, 0x45, 0x0d, 1, body, 0x0c, 0, 0x0b, 0x0b];
}

/** Runs the body, and again while the condition holds: one branch a turn, for the inner loops. */
export function repeatWhile(condition: Code, body: Code): Code {
  return [0x03, 0x40, body, condition, 0x0d, 0, 0x0b];
}

/** For i = from; i < to (unsigned); i += step. `to` is computed every turn: make it a variable or a constant. */
export function count(i: Variable, from: Code, to: Code, step: number, body: Code): Code {
  return [i.set(from), whileTrue(i32.ltU(i, to), [body, i.set(i32.add(i, int(step)))])];
}

export const returnNow: Code = 0x0f;

/** Takes a value off the stack. */
export const drop: Code = 0x1a;
