import type { BlockWeight, StoredWeight, Tensor } from '@heed/core';
import { decodeBlocks, halfTable, isBlockType } from '@heed/core/backend';

/** Output columns whose weights lie side by side. */
export const COLUMNS = 4;

/** A weight `[out, in]` as panels of four columns: element k of column n of a panel at `4 k + n`, 0 after the last column. */
export interface Panels {
  readonly outputs: number;
  readonly inputs: number;
  /** In float64 whatever the element type: converting a weight costs as much as multiplying it. Valid until the next call. */
  panel(index: number): Float64Array;
  /** The columns of a panel, each for itself: for one row of x, putting them side by side would cost more than it saves. */
  columns?(index: number): readonly Float64Array[];
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
  const four = Array.from({ length: COLUMNS }, () => new Float64Array(inputs));
  const decode = isBlockType(weight.dtype)
    ? (first: number, to: Float64Array) => decodeBlocks(weight as BlockWeight, first, to)
    : decodeHalves(weight as Tensor);
  const columns = (index: number): readonly Float64Array[] => {
    for (const [n, column] of four.entries()) {
      if (index * COLUMNS + n < outputs) decode((index * COLUMNS + n) * inputs, column);
      else column.fill(0);
    }
    return four;
  };
  return {
    outputs,
    inputs,
    columns,
    panel(index) {
      for (const [n, column] of columns(index).entries()) {
        for (let k = 0; k < inputs; k++) panel[k * COLUMNS + n] = column[k]!;
      }
      return panel;
    },
  };
}

function decodeHalves({ dtype, data }: Tensor): (first: number, to: Float64Array) => void {
  const table = halfTable(dtype as 'float16' | 'bfloat16');
  return (first, to) => {
    for (let k = 0; k < to.length; k++) to[k] = table[data[first + k]!]!;
  };
}
