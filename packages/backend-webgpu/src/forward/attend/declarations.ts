import { stageVectors, strideOf } from '../../plan/geometry.ts';
import {
  addresses,
  blockFunctions,
  blockLoader,
  cacheBindings,
  cacheFunctions,
  valueTensor,
  workgroupMemory,
} from '../../shader/block.ts';
import { conversions } from '../../shader/elements.ts';
import { DROPOUT, EXPONENTIAL, GUMBEL, LOGARITHM, PHILOX, TANH } from '../../shader/math.ts';
import { type Binding, written } from '../../shader/module.ts';
import { BATCH, scoreBindings, scoreFunctions } from '../../shader/scores.ts';
import { FINITE, readRows, rowWriter, vectorsOf, writtenRows } from '../../shader/tensors.ts';
import { CHAIN, UNATTENDED } from '../../shader/tile.ts';
import { FLAGS, OUTPUT_BITS, finishFunctions } from '../finish.ts';
import type { Attending } from './attending.ts';

export function attendBindings({ variant, sumsValues, splits }: Attending): Binding[] {
  const { rows: stored } = variant;
  return [
    readRows('query', stored.query),
    ...cacheBindings(variant, { key: true, value: sumsValues }),
    ...scoreBindings(variant),
    ...(splits
      ? [written('records', 'vec4u')]
      : [written('rowResults'), ...(sumsValues ? [writtenRows('output', stored.output)] : [])]),
  ];
}

/** Functions, and the workgroup memory of a block. */
export function attendDeclarations(attending: Attending): string[] {
  const { variant, geometry, sumsValues, splits, isPacked, valueVectors, valuesAt } = attending;
  const { headDim, type, cacheType, rows: stored, selection, softcap, dropout } = variant;
  const { rows, keys, staged, keepsQueries } = geometry;
  const values = valueTensor(variant);
  const isPlaced = variant.pages || variant.ring;
  return [
    FINITE,
    conversions(type, cacheType),
    FLAGS,
    EXPONENTIAL,
    LOGARITHM,
    softcap ? TANH : '',
    selection === 'sample' || dropout ? PHILOX : '',
    selection === 'sample' ? GUMBEL : '',
    dropout ? DROPOUT : '',
    BATCH,
    blockFunctions(isPacked),
    CHAIN,
    addresses('query', 'key', ...(sumsValues ? (['output'] as const) : [])),
    sumsValues && values === 'value' ? addresses('value') : '',
    cacheFunctions(variant, { key: true, value: sumsValues }),
    blockLoader('query', stored.query, { isPacked }),
    blockLoader('key', stored.key, { isPlaced }),
    sumsValues ? blockLoader('value', stored.value, { tensor: values, isPlaced }) : '',
    scoreFunctions(variant),
    splits ? '' : finishFunctions(variant),
    splits || !sumsValues ? '' : `${OUTPUT_BITS}\n${rowWriter('output', stored.output)}`,
    workgroupMemory(geometry, {
      queries: keepsQueries ? rows * strideOf(vectorsOf(headDim)) : 0,
      stage: stageVectors(geometry, sumsValues ? valueVectors : 0, valuesAt),
      weights: sumsValues && !staged,
    }),
    `var<workgroup> queryFlags: array<atomic<u32>, ${rows}>;`,
    staged ? `var<workgroup> keyFlags: array<atomic<u32>, ${keys}>;` : '',
    sumsValues && staged ? `var<workgroup> valueFlags: array<atomic<u32>, ${keys}>;` : '',
    'const LOWEST = -0x1.fffffep+127f;',
    staged ? '' : UNATTENDED,
  ];
}
