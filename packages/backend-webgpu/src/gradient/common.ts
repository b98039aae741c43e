import { type Geometry, type Limits, VALUE_CHUNK } from '../plan/geometry.ts';
import type { Variant } from '../plan/variant.ts';
import { addresses, blockFunctions, blockLoader, cacheFunctions } from '../shader/block.ts';
import { DROPOUT, EXPONENTIAL, PHILOX, TANH } from '../shader/math.ts';
import { conversions } from '../shader/elements.ts';
import type { Binding } from '../shader/module.ts';
import { BATCH, scoreBindings, scoreFunctions } from '../shader/scores.ts';
import { FINITE, readRows, vectorsOf } from '../shader/tensors.ts';
import { CHAIN, type Operand } from '../shader/tile.ts';
import { GRADIENT_ROW, ROW_FLAGS } from './rows.ts';

/** Bindings of every gradient of scores, seven tensors at most, which leaves one to write. */
export function gradientBindings(variant: Variant): Binding[] {
  const { query, key, value, output } = variant.rows;
  return [
    readRows('query', query),
    readRows('key', key),
    readRows('value', value),
    readRows('dOutput', output),
    ...scoreBindings(variant),
  ];
}

/** Operands of a tile's products: keys and values, and the gradient of the output at the rows of a block. */
export function gradientOperands({
  headDim,
  valueDim,
}: Variant): Record<'key' | 'value' | 'dOutput', Operand> {
  const [keyVectors, valueVectors] = [vectorsOf(headDim), vectorsOf(valueDim)];
  return {
    key: { vectors: keyVectors, load: (index, n) => `load_key(block, u32(tile) + ${index}, ${n})` },
    value: { vectors: valueVectors, load: (index, n) => `load_value(block, u32(tile) + ${index}, ${n})` },
    dOutput: {
      vectors: valueVectors,
      load: (index, n) => `load_dOutput(block, block.start + ${index}, ${n})`,
    },
  };
}

export function gradientDeclarations(variant: Variant, isPacked: boolean): string[] {
  const { type, cacheType, rows, softcap, dropout } = variant;
  return [
    FINITE,
    conversions(type, cacheType),
    ROW_FLAGS,
    EXPONENTIAL,
    softcap ? TANH : '',
    dropout ? `${PHILOX}\n${DROPOUT}` : '',
    BATCH,
    blockFunctions(isPacked),
    CHAIN,
    addresses('query', 'key', 'value', 'output'),
    cacheFunctions(variant, { key: true, value: true }),
    blockLoader('query', rows.query, { isPacked }),
    blockLoader('key', rows.key, { isPlaced: false }),
    blockLoader('value', rows.value, { isPlaced: false }),
    blockLoader('dOutput', rows.output),
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
    vectorsEach: 1,
    rows: 8 * rowsEach,
    keys: 32,
    staged: true,
    chunk: Math.min(8, vectors),
    keyChunk: Math.min(8, vectors),
    valueChunk: VALUE_CHUNK,
    keepsQueries: false,
    subgroup,
  };
}
