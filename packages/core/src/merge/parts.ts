import { HeedError } from '../error.ts';
import { kindOf, shown } from '../options/shown.ts';
import { rowStrides } from '../backend/strides.ts';
import type { Layout } from '../problem.ts';
import { type FloatDType, type Tensor, checkTensor } from '../tensor.ts';
import { isFloat, toTensor } from '../tensor-like.ts';

/** Throws if the parts are not an array with at least one part. */
export function checkParts(parts: unknown, members: string): void {
  if (!Array.isArray(parts)) {
    throw new HeedError('ARGUMENT', `parts is ${shown(parts)}; expected an array`, {
      clause: 'merge',
      remedy: `give the parts in an array, each ${members}`,
    });
  }
  if (parts.length === 0) {
    throw new HeedError('ARGUMENT', 'parts is empty; expected at least one', {
      clause: 'merge',
      remedy: `give at least one part: ${members}`,
    });
  }
  Array.from(parts).forEach((part: unknown, index) => {
    if (kindOf(part) === 'Object') return;
    throw new HeedError('ARGUMENT', `part ${index} is ${shown(part)}; expected ${members}`, {
      clause: 'merge',
      remedy: 'give what the calls for the parts returned',
    });
  });
}

/** Returns a member of a part as a tensor whose data fill its shape. */
export function tensorOf(name: string, index: number, value: unknown, dtype: FloatDType | 'int32'): Tensor {
  const isIndex = dtype === 'int32';
  const made: unknown = toTensor(
    `${name} of part ${index}`,
    value,
    isIndex ? 'int32' : 'float',
    isIndex ? 'float32' : dtype,
  );
  checkTensor(`${name} of part ${index}`, made);
  return made;
}

/** Throws if a member of a part differs from what its name and the first part require. `null` is any length. */
export function checkMember(
  name: string,
  index: number,
  value: Tensor,
  expected: { readonly shape: readonly (number | null)[]; readonly dtype: Tensor['dtype'] },
): void {
  const { shape, dtype } = expected;
  const fits =
    value.shape.length === shape.length && shape.every((n, a) => n === null || n === value.shape[a]);
  if (!fits) {
    const axes = shape.map((length) => length ?? 'any').join(', ');
    throw new HeedError(
      'SHAPE',
      `${name} of part ${index} is [${value.shape.join(', ')}]; expected [${axes}]`,
      {
        clause: 'merge',
        remedy: 'merge parts of one problem, which differ in their keys alone',
      },
    );
  }
  if (value.dtype === dtype) return;
  throw new HeedError('DTYPE', `${name} of part ${index} is ${value.dtype}; expected ${dtype}`, {
    clause: 'merge',
    remedy: 'merge parts of one type, as the runs returned them',
  });
}

/** Throws if the tensor of a part that gives the type and shape of all is not one of floats with four axes. */
export function checkLeader(name: string, value: Tensor, axes: string): asserts value is Tensor<FloatDType> {
  if (value.shape.length !== 4) {
    throw new HeedError('SHAPE', `${name} of part 0 is [${value.shape.join(', ')}]; expected ${axes}`, {
      clause: 'merge',
      remedy: 'give it as the run returned it',
    });
  }
  if (!isFloat(value.dtype)) {
    throw new HeedError('DTYPE', `${name} of part 0 is ${value.dtype}; expected a type of floats`, {
      clause: 'merge',
      remedy: 'give it as the run returned it',
    });
  }
}

/**
 * Returns the start of each part, or null if no part has one.
 *
 * @param isNeeded members of parts that have places among all keys; empty if there are none.
 */
export function startsOf(
  parts: readonly { readonly start?: number }[],
  isNeeded: string,
): readonly number[] | null {
  if (isNeeded === '' && parts.every(({ start }) => start === undefined)) return null;
  return parts.map(({ start }, index) => {
    if (Number.isSafeInteger(start) && start! >= 0) return start!;
    const why = isNeeded === '' ? 'other parts have a start' : `the parts have ${isNeeded}`;
    throw new HeedError(
      'ARGUMENT',
      `start of part ${index} is ${shown(start)}, and ${why}; expected an integer ≥ 0`,
      { clause: 'merge', remedy: 'set start to the index of the first key of the part among all keys' },
    );
  });
}

/** The parts in the order of their starts; in the order given if they have none. */
export function inOrder<P>(parts: readonly P[], starts: readonly number[] | null): readonly P[] {
  if (starts === null) return parts;
  return parts
    .map((part, index) => ({ part, start: starts[index]! }))
    .sort((a, b) => a.start - b.start)
    .map(({ part }) => part);
}

/** Throws if only some parts have a member. Returns whether they have it. */
export function haveAll<Name extends string>(
  parts: readonly { readonly [K in Name]?: unknown }[],
  name: Name,
): boolean {
  const without = parts.findIndex((part) => part[name] === undefined);
  if (without === -1) return true;
  if (parts.every((part) => part[name] === undefined)) return false;
  throw new HeedError('ARGUMENT', `part ${without} has no ${name}, and other parts have it`, {
    clause: 'merge',
    remedy: `ask every call for ${name}, or leave it out of all parts`,
  });
}

/** Yields rows `[b, h, i]` of the statistics, and the index where each begins in an output with `depth` numbers a row. */
export function* outputRows(
  [batch, heads, length]: readonly [number, number, number],
  depth: number,
  layout: Layout,
): Generator<[row: number, at: number]> {
  const strides = rowStrides(layout, heads, length, depth);
  for (let b = 0, row = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < length; i++, row++) {
        yield [row, b * strides.batch + h * strides.head + i * strides.row];
      }
    }
  }
}
