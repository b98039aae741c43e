import { THREADS } from '../shader/module.ts';

/** Numbers that an invocation reduces at a time. */
const EACH = 8;

/** Workgroup memory of {@link acrossWorkgroup}. */
export const ACROSS: string = `var<workgroup> own: array<u32, ${THREADS}>;
var<workgroup> parts: array<u32, ${THREADS / EACH}>;`;

/**
 * Code that combines a value of every invocation of the workgroup, in a fixed order, to the variable `name`, which all of them
 * see. All invocations must take part; {@link ACROSS} must be declared.
 */
export function acrossWorkgroup(
  name: string,
  type: 'f32' | 'u32',
  value: string,
  combine: (a: string, b: string) => string,
): string {
  const numbers = (array: string, at: string): string =>
    Array.from({ length: EACH }, (_, n) => `bitcast<${type}>(${array}[${at}${n}u])`).reduce((a, b) =>
      combine(a, b),
    );
  return `
  own[thread] = bitcast<u32>(${value});
  workgroupBarrier();
  if (thread < ${THREADS / EACH}u) { parts[thread] = bitcast<u32>(${numbers('own', `${EACH}u * thread + `)}); }
  workgroupBarrier();
  let ${name} = ${numbers('parts', '')};`;
}

export const sum = (a: string, b: string): string => `(${a} + ${b})`;
export const largest = (a: string, b: string): string => `max(${a}, ${b})`;
