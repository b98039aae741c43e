import type { BlockWeight, StoredWeight, Tensor } from '@heed/core';
import { decodeBlocks, halfTable, isBlockType } from '@heed/core/backend';

/** Output columns whose weights lie side by side. */
export const COLUMNS = 4;

/** A weight `[out, in]` as panels of four columns: element k of column n of a panel at `4 k + n`, 0 behind the last column. */
export interface Panels {
  readonly outputs: number;
  readonly inputs: number;
  /** In float64 whatever the element type: converting a weight costs as much as multiplying it. Valid until the next call. */
  panel(index: number): Float64Array;
}

/** Panels of a tensor, made once. */
export function panelsOf({ shape, data }: Tensor): Panels {
  const [outputs, inputs] = shape as [number, number];
  const length = COLUMNS * inputs;
  const panels = Array.from({ length: Math.ceil(outputs / COLUMNS) }, (_, index) => {
    const panel = new Float64Array(length);
    for (let n = 0; n < Math.min(COLUMNS, outputs - index * COLUMNS); n++) {
      const from = (index * COLUMNS + n) * inputs;
      for (let k = 0; k < inputs; k++) panel[k * COLUMNS + n] = data[from + k]!;
    }
    return panel;
  });
  return { outputs, inputs, panel: (index) => panels[index]! };
}

/** Panels of a stored weight, decoded where they are used: the bytes are all that is kept. */
export function storedPanels(weight: StoredWeight): Panels {
  const [outputs, inputs] = weight.shape as [number, number];
  const panel = new Float64Array(COLUMNS * inputs);
  const row = new Float64Array(inputs);
  const decode = isBlockType(weight.dtype)
    ? (first: number) => decodeBlocks(weight as BlockWeight, first, row)
    : decodeHalves(weight as Tensor, row);
  return {
    outputs,
    inputs,
    panel(index) {
      for (let n = 0; n < COLUMNS; n++) {
        if (index * COLUMNS + n < outputs) decode((index * COLUMNS + n) * inputs);
        else row.fill(0);
        for (let k = 0; k < inputs; k++) panel[k * COLUMNS + n] = row[k]!;
      }
      return panel;
    },
  };
}

function decodeHalves({ dtype, data }: Tensor, row: Float64Array): (first: number) => void {
  const table = halfTable(dtype as 'float16' | 'bfloat16');
  return (first) => {
    for (let k = 0; k < row.length; k++) row[k] = table[data[first + k]!]!;
  };
}
