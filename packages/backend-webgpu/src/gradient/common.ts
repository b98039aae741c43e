import type { Geometry, Limits } from '../plan/geometry.ts';
import type { Variant } from '../plan/variant.ts';
import { BLOCK, addresses, blockLoader } from '../shader/block.ts';
import { EXPONENTIAL, TANH } from '../shader/math.ts';
import type { Binding } from '../shader/module.ts';
import { BATCH, scoreBindings, scoreFunctions } from '../shader/scores.ts';
import { FINITE, readRows, vectorsOf } from '../shader/tensors.ts';
import { CHAIN } from '../shader/tile.ts';
import { GRADIENT_ROW, ROW_FLAGS } from './rows.ts';

/** Bindings of every gradient of scores, seven tensors at most, which leaves one to write. */
export function gradientBindings(variant: Variant): Binding[] {
  const { headDim, valueDim } = variant;
  return [
    readRows('query', headDim),
    readRows('key', headDim),
    readRows('value', valueDim),
    readRows('dOutput', valueDim),
    ...scoreBindings(variant),
  ];
}

export function gradientDeclarations(variant: Variant): string[] {
  const { headDim, valueDim, softcap } = variant;
  return [
    FINITE,
    ROW_FLAGS,
    EXPONENTIAL,
    softcap ? TANH : '',
    BATCH,
    BLOCK,
    CHAIN,
    addresses('query', 'key', 'value', 'output'),
    blockLoader('query', headDim),
    blockLoader('key', headDim),
    blockLoader('value', valueDim),
    blockLoader('dOutput', valueDim),
    scoreFunctions(variant),
    GRADIENT_ROW,
  ];
}

/** Returns the tiles of a gradient: 8 × 8 invocations, everything staged in parts. */
export function gradientGeometry(
  rows: number,
  { headDim, valueDim }: Pick<Variant, 'headDim' | 'valueDim'>,
  { subgroup }: Limits,
): Geometry {
  const rowsEach = rows <= 8 ? 1 : rows <= 16 ? 2 : 4;
  const vectors = Math.max(vectorsOf(headDim), vectorsOf(valueDim));
  return {
    rowThreads: 8,
    keyThreads: 8,
    rowsEach,
    rows: 8 * rowsEach,
    keys: 32,
    staged: true,
    chunk: Math.min(8, vectors),
    keepsQueries: false,
    subgroup,
  };
}
