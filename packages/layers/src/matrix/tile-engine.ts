import type { ComputeDType } from '@heed/core';
import type { FloatArray } from '../tensors.ts';
import { FLOAT32, FLOAT64, type Lanes, tileModule } from './tile-module.ts';
import { multiplyTile } from './tile.ts';

export const BLOCK_ROWS = 64;
export const BLOCK_COLUMNS = 128;
export const BLOCK_DEPTH = 192;

/** Multiplies a block of A by a block of B, both packed, tile by tile. */
export interface TileEngine {
  /** Name of what really runs. */
  readonly device: string;
  /** Columns of B that are computed together. Rows of A are always four. */
  readonly columns: 4 | 8;
  /** `[BLOCK_ROWS, BLOCK_DEPTH]`. */
  readonly packedA: FloatArray;
  /** Columns side by side: `[BLOCK_COLUMNS / columns, depth, columns]`. */
  readonly packedB: FloatArray;
  /** `[BLOCK_ROWS, BLOCK_COLUMNS]`. */
  readonly sums: FloatArray;
  /** Adds to the tile of sums at `c` the products of the rows at `a` and the columns at `b`: indices of elements. */
  tile(a: number, b: number, c: number, depth: number): void;
}

const engines = new Map<ComputeDType, TileEngine>();

/** Returns the engine for a precision; the first call creates it. */
export function engineOf(dtype: ComputeDType): TileEngine {
  const engine = engines.get(dtype) ?? webAssemblyEngine(dtype) ?? scalarEngine();
  engines.set(dtype, engine);
  return engine;
}

/** Name of what computes projections here: `WebAssembly, 128-bit vectors`, or `TypeScript` where that is missing. */
export function projectionDevice(dtype: ComputeDType = 'float32'): string {
  return engineOf(dtype).device;
}

/** Null where WebAssembly is missing, not allowed (a page's policy), or without 128-bit vectors. */
export function webAssemblyEngine(dtype: ComputeDType): TileEngine | null {
  if (typeof WebAssembly === 'undefined') return null;
  const lanes = dtype === 'float32' ? FLOAT32 : FLOAT64;
  try {
    return instantiate(lanes);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError || error instanceof EvalError) return null;
    throw error;
  }
}

function instantiate(lanes: Lanes): TileEngine {
  const columns = lanes === FLOAT32 ? 8 : 4;
  const sizes = [BLOCK_ROWS * BLOCK_DEPTH, BLOCK_COLUMNS * BLOCK_DEPTH, BLOCK_ROWS * BLOCK_COLUMNS];
  const [startB, startC, end] = sizes.map(
    (_, n) => lanes.bytes * sizes.slice(0, n + 1).reduce((a, b) => a + b),
  );
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 65_536) });
  const module = new WebAssembly.Module(
    tileModule(lanes, BLOCK_DEPTH * lanes.bytes, BLOCK_COLUMNS * lanes.bytes),
  );
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const tile = exports['tile'] as (a: number, b: number, c: number, end: number) => void;
  const view = (start: number, length: number): FloatArray =>
    lanes === FLOAT32
      ? new Float32Array(memory.buffer, start, length)
      : new Float64Array(memory.buffer, start, length);
  const { bytes } = lanes;
  return {
    device: 'WebAssembly, 128-bit vectors',
    columns,
    packedA: view(0, sizes[0]),
    packedB: view(startB, sizes[1]),
    sums: view(startC, sizes[2]),
    tile: (a, b, c, depth) => tile(a * bytes, startB + b * bytes, startC + c * bytes, (a + depth) * bytes),
  };
}

/** The same in TypeScript, where it sums in float64 whatever the precision. */
export function scalarEngine(): TileEngine {
  const packedA = new Float64Array(BLOCK_ROWS * BLOCK_DEPTH);
  const packedB = new Float64Array(BLOCK_COLUMNS * BLOCK_DEPTH);
  const sums = new Float64Array(BLOCK_ROWS * BLOCK_COLUMNS);
  return {
    device: 'TypeScript',
    columns: 4,
    packedA,
    packedB,
    sums,
    tile: (a, b, c, depth) =>
      multiplyTile(packedA, a, BLOCK_DEPTH, packedB, b, sums, c, BLOCK_COLUMNS, depth),
  };
}
