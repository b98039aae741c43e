import { type AttentionRequest, type Tensor, tensor } from '@heed/core';

/** Tensors that both sides of a row are called with, by the names that the calls use. */
export interface Inputs {
  /** `[B, H, L, D]`: 2, 4, 3, 8. */
  readonly q: Tensor;
  /** `[B, H, S, D]`: 5 keys. */
  readonly k: Tensor;
  readonly v: Tensor;
  /** As many queries as keys. */
  readonly qs: Tensor;
  /** Keys and values of 2 heads. */
  readonly k2: Tensor;
  readonly v2: Tensor;
  /** Keys of 3 positions: fewer than `qs`, as many as `q`. */
  readonly k3: Tensor;
  readonly v3: Tensor;
  /** Boolean `[B, 1, L, S]`; each row may attend to its first key. */
  readonly mask: Tensor;
  /** Boolean `[B, L, S]`: the same. */
  readonly flatMask: Tensor;
  /** Boolean `[B, S]`: true is padding, at the end. */
  readonly padding: Tensor;
  /** Boolean `[B, S]`: true is padding, anywhere. */
  readonly scattered: Tensor;
  /** Boolean `[B, 1, L, S]`; the second row may attend to nothing. */
  readonly emptyRow: Tensor;
  /** `[B, H, L, S]`. */
  readonly bias: Tensor;
  /** `[H]`. */
  readonly slopes: Tensor;
  /** `[B, H]`. */
  readonly slopesOfBatch: Tensor;
  /** int32 `[B]`: 3 and 5 keys. */
  readonly lengths: Tensor;
  /** int32 `[B]`: 2 and 3 queries. */
  readonly queryLengths: Tensor;
  /** int32 `[B, S]`: documents of 2 and 3, and of 4 and 1 tokens. */
  readonly documents: Tensor;
}

const waves = (seed: number, ...shape: readonly number[]): Tensor => {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, n) => 1.5 * Math.sin(seed + 1.7 * n + n * n * 0.01)),
    shape,
  );
};

const booleans = (shape: readonly number[], isTrue: (n: number) => boolean): Tensor => {
  const size = shape.reduce((product, length) => product * length, 1);
  return { dtype: 'bool', shape, data: Uint8Array.from({ length: size }, (_, n) => Number(isTrue(n))) };
};

const integers = (shape: readonly number[], ...data: readonly number[]): Tensor => ({
  dtype: 'int32',
  shape,
  data: Int32Array.from(data),
});

const mask = booleans([2, 1, 3, 5], (n) => n % 5 === 0 || n % 3 === 1);

export const INPUTS: Inputs = {
  q: waves(1, 2, 4, 3, 8),
  k: waves(2, 2, 4, 5, 8),
  v: waves(3, 2, 4, 5, 8),
  qs: waves(4, 2, 4, 5, 8),
  k2: waves(5, 2, 2, 5, 8),
  v2: waves(6, 2, 2, 5, 8),
  k3: waves(7, 2, 4, 3, 8),
  v3: waves(8, 2, 4, 3, 8),
  mask,
  flatMask: { ...mask, shape: [2, 3, 5] },
  padding: booleans([2, 5], (n) => n === 3 || n === 4 || n === 9),
  scattered: booleans([2, 5], (n) => n === 1 || n === 5 || n === 8),
  emptyRow: booleans([2, 1, 3, 5], (n) => Math.floor(n / 5) % 3 !== 1 && n % 2 === 0),
  bias: waves(9, 2, 4, 3, 5),
  slopes: waves(10, 4),
  slopesOfBatch: waves(11, 2, 4),
  lengths: integers([2], 3, 5),
  queryLengths: integers([2], 2, 3),
  documents: integers([2, 5], 0, 0, 1, 1, 1, 0, 0, 0, 0, 1),
};

/** `[B, H, L, D]` as `[B, L, H, D]`. */
export function rows({ dtype, shape, data }: Tensor): Tensor {
  const [batch, heads, length, depth] = shape as [number, number, number, number];
  const swapped = data.slice();
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < length; i++)
        for (let d = 0; d < depth; d++)
          swapped[((b * length + i) * heads + h) * depth + d] =
            data[((b * heads + h) * length + i) * depth + d]!;
  return { dtype, shape: [batch, length, heads, depth], data: swapped } as Tensor;
}

/** Integers of a tensor, as requests take lengths. */
export const listOf = ({ data }: Tensor): number[] => Array.from(data, Number);

/** A boolean tensor turned over, in another shape if one is given. */
export function turnedOver({ shape, data }: Tensor, other: readonly number[] = shape): Tensor {
  return { dtype: 'bool', shape: other, data: Uint8Array.from(data, (byte) => 1 - byte) };
}

/** `[B, H, L, D]` with the last row of the first batch element in all of them. */
export function sharedLastRow({ dtype, shape, data }: Tensor): Tensor {
  const [, heads, length, depth] = shape as [number, number, number, number];
  const shared = data.slice();
  for (let n = 0; n < shared.length; n++) {
    const isLast = Math.floor(n / depth) % length === length - 1;
    if (isLast) shared[n] = data[n % (heads * length * depth)]!;
  }
  return { dtype, shape, data: shared } as Tensor;
}

/** A call of {@link attention} beside a call of the library. */
export type Here = (x: Inputs) => AttentionRequest;
