/**
 * A kernel in gpu.js's terms: the source text of the work of one thread, and the types of its arguments.
 *
 * Source is text and not a JavaScript function: gpu.js translates the result of `toString()`, and minifiers, coverage
 * and test runners rewrite functions. Its language differs from JavaScript, sometimes silently:
 *
 * - A loop whose bound is an argument ends silently after `loopMaxIterations` iterations, 1000 by default: the launcher
 *   sets it out of reach. `continue` in such a loop skips the step of the counter, so programs do not use it.
 * - A variable that starts from an integer expression becomes a float, which is exact only up to 2²⁴. {@link integer}
 *   makes indices; in the SIMD code of WebAssembly they are still floats.
 * - So does one that starts from a comparison with `==`: comparisons stay inside their condition.
 * - A whole number as a literal is an integer, however large: 2¹²⁷ does not compile. Such numbers are arguments.
 * - `Infinity` is the highest finite float32 on a GPU, and shaders may assume that infinity and NaN do not exist:
 *   programs never get one (see `memory/finite.ts`).
 * - Arrays of more than four elements, memory shared in a workgroup and several results of a program do not exist: data
 *   that threads share is the result of a separate program.
 * - With an array `value`, `valueDim` and `valueSize` are names of its own in WebGL.
 * - At most eight arrays, the result among them, may be bound to one WebGPU program.
 */
export interface Program<
  Arrays extends readonly string[] = readonly string[],
  Integers extends readonly string[] = readonly string[],
  Numbers extends readonly string[] = readonly string[],
> {
  readonly name: string;
  readonly arrays: Arrays;
  readonly integers: Integers;
  readonly numbers: Numbers;
  /** Statements; `this.thread` has the indices of the thread, and `return` gives the result. */
  readonly body: string;
}

/** Arguments of a program, by name. `B` is the engine's type of arrays. */
export type ValuesOf<P extends Program, B> = Readonly<
  Record<P['arrays'][number], B> & Record<P['integers'][number] | P['numbers'][number], number>
>;

/**
 * Declares an integer variable. gpu.js gives a variable this type only when it starts from an integer literal and is
 * incremented somewhere; `~~` is the one conversion to integers that is cheap in all of its modes.
 */
export function integer(name: string, expression: string): string {
  return `let ${name} = -1; ${name} += ~~(${expression}); ${name}++;`;
}

/** A quotient of integers, rounded down: division may be off by a few units in the last place on a GPU. */
export function quotient(dividend: string, divisor: string): string {
  return `Math.floor((${dividend} + 0.5) / ${divisor})`;
}

/** An array, the variable that is the index of its next element, and the way to the element after; 1 by default. */
type Running = readonly [array: string, index: string, stride?: string];

/**
 * Adds `count` products of elements of two arrays to `sum` and advances the indices. Four in an iteration, since loops
 * and indices cost more than the arithmetic.
 */
export function addProducts(sum: string, count: string, left: Running, right: Running): string {
  const steps = (n: number, stride?: string): string => (stride === undefined ? `${n}` : `${n} * ${stride}`);
  const product = (n: number): string =>
    [left, right].map(([array, index, stride]) => `${array}[${index} + ${steps(n, stride)}]`).join(' * ');
  const advance = (n: number): string =>
    [left, right].map(([, index, stride]) => `${index} += ${steps(n, stride)};`).join(' ');
  return `
      for (let turn = 3; turn < ${count}; turn += 4) {
        ${sum} += ${[0, 1, 2, 3].map(product).join(' + ')};
        ${advance(4)}
      }
      for (let rest = 0; rest < ${count} - 4 * ${quotient(count, '4')}; rest++) {
        ${sum} += ${product(0)};
        ${advance(1)}
      }`;
}

/**
 * Declares the hyperbolic tangent of a number. That of GPUs may be ∞ / ∞ from 44 on. Near 0, where 1 − e⁻²ˣ would lose
 * digits, Lambert's continued fraction, cut off at x / (1 + x² / (3 + x² / (5 + x² / (7 + x² / 9)))).
 */
export function tanh(name: string, expression: string): string {
  return `
    const argument = ${expression};
    const square = argument * argument;
    let ${name} = argument * (945 + square * (105 + square)) / (945 + square * (420 + 15 * square));
    if (square > 0.36) {
      const decay = Math.exp(-2 * Math.abs(argument));
      ${name} = (1 - decay) / (1 + decay);
      if (argument < 0) ${name} = -${name};
    }`;
}

/** The same program for threads `[x, z, y]`: axes y and z are exchanged. */
export function exchanged<P extends Program>(program: P): P {
  const axes: Readonly<Record<string, string>> = { y: 'z', z: 'y' };
  return { ...program, body: program.body.replace(/(?<=\bthis\.thread\.)[yz]\b/g, (axis) => axes[axis]!) };
}

/** The program as gpu.js takes it. */
export function sourceOf({ name, arrays, integers, numbers, body }: Program): string {
  return `function ${name}(${[...arrays, ...integers, ...numbers].join(', ')}) {${body}}`;
}
