import { HeedError } from '../../error.ts';
import { checkOptions } from '../../options/check-options.ts';
import { type OptionKind, number, oneOf, required } from '../../options/kinds.ts';
import { type ComputeDType, type PlainTensorLike, type Tensor, isResident, zeros } from '../../tensor.ts';
import { toTensor } from '../../tensor-like.ts';
import type { RotaryTables } from './contract.ts';

/** Positions and frequencies of a rotary embedding. */
export interface RotaryTableOptions {
  /** int32 `[L]`, or `[B, L]` where they differ along the batch. */
  readonly positions: PlainTensorLike;
  /** R/2 frequencies, in radians for each position. */
  readonly frequencies: readonly number[] | Float32Array | Float64Array;
  /** Factor of the rotated numbers, such as YaRN's. Default 1. */
  readonly factor?: number | undefined;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
}

const numbers: OptionKind = {
  expected: 'an array of finite numbers',
  accepts: (value) =>
    (Array.isArray(value) || ArrayBuffer.isView(value)) &&
    Array.from(value as readonly unknown[]).every(Number.isFinite),
};

/**
 * The tables of {@link RotaryTables}: factor · cos(position · frequency) and factor · sin(position · frequency), computed in
 * float64 and rounded once, so that far positions are as exact as the first.
 *
 * @returns cosines and sines, `[L, R/2]` or `[B, L, R/2]`.
 * @throws HeedError `MISSING_INPUT`, `UNKNOWN_OPTION`, `ARGUMENT`, `SHAPE` or `DTYPE`.
 *
 * @example
 * ```ts
 * import { rotaryTable } from '@heed/core/operations';
 *
 * const { cosines, sines } = rotaryTable({ positions: [0, 1], frequencies: [1, 0.01] });
 * console.log(cosines.shape.join(' × '), sines.data[2] === Math.fround(Math.sin(1))); // 2 × 2 true
 * ```
 */
export function rotaryTable(options: RotaryTableOptions): RotaryTables<Tensor<ComputeDType>> {
  const kind = { clause: 'rotary' };
  checkOptions('rotaryTable()', options, {
    positions: true,
    frequencies: { ...required(numbers), ...kind },
    factor: { ...number('a finite number', Number.isFinite), ...kind },
    dtype: { ...oneOf('float32', 'float64'), ...kind },
  });
  const { frequencies, factor = 1, dtype = 'float32' } = options;
  const { shape, data } = checkPositions(options.positions);
  const angles = frequencies.length;
  const cosines = zeros(dtype, [...shape, angles]);
  const sines = zeros(dtype, [...shape, angles]);
  for (let i = 0; i < data.length; i++) {
    for (let n = 0; n < angles; n++) {
      const angle = data[i]! * frequencies[n]!;
      cosines.data[i * angles + n] = factor * Math.cos(angle);
      sines.data[i * angles + n] = factor * Math.sin(angle);
    }
  }
  return { cosines, sines };
}

function checkPositions(given: unknown): Tensor<'int32'> {
  const expected = 'int32 [L] or [B, L]';
  const refused = (code: 'MISSING_INPUT' | 'DTYPE' | 'SHAPE' | 'ARGUMENT', reason: string): HeedError =>
    new HeedError(code, reason, {
      clause: 'rotary',
      remedy: 'give the position of each row: tensor(Int32Array.of(…), [L])',
    });
  if (given === undefined || given === null)
    throw refused('MISSING_INPUT', `positions is missing; expected ${expected}`);
  if (isResident(given)) throw refused('ARGUMENT', `positions is resident; expected plain ${expected}`);
  const positions = toTensor('positions', given, 'int32') as Tensor;
  if (positions.dtype !== 'int32')
    throw refused('DTYPE', `positions is ${positions.dtype}; expected ${expected}`);
  if (positions.shape.length !== 1 && positions.shape.length !== 2)
    throw refused('SHAPE', `positions is [${positions.shape.join(', ')}]; expected ${expected}`);
  return positions as Tensor<'int32'>;
}
