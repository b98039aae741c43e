import { type Geometry, ownKeys, ownRow, scoreOf, stageVectors, strideOf } from '../plan/geometry.ts';
import type { Variant } from '../plan/variant.ts';
import {
  addresses,
  beginBlock,
  beginKeys,
  beginRing,
  blockFunctions,
  blockLoader,
  cacheBindings,
  cacheFunctions,
  cacheOperand,
  queryOperand,
  workgroupMemory,
} from '../shader/block.ts';
import { EXPONENTIAL, TANH } from '../shader/math.ts';
import { conversions, numberWriter, writtenElement } from '../shader/elements.ts';
import { type Shader, each, read, shaderOf, written } from '../shader/module.ts';
import { BATCH, scoreBindings, scoreFunctions } from '../shader/scores.ts';
import { FINITE, readRows, vectorsOf } from '../shader/tensors.ts';
import { CHAIN, directProducts, products, stage } from '../shader/tile.ts';
import { FLAGS, ROW_PLANES } from './finish.ts';

/**
 * The weights of soft attention, from the scores once more, now that row maximum and row sum are known. Keys that no
 * row of a block sees keep the 0 that new buffers have. Grid: blocks, slices of batch and heads, splits of the keys.
 */
export function weightsShader(variant: Variant, geometry: Geometry, isPacked: boolean): Shader {
  const { headDim, type, cacheType, rows: stored, softcap, ring } = variant;
  const { rows, rowsEach, vectorsEach, keys, staged, keepsQueries } = geometry;
  const query = queryOperand(headDim);
  const key = cacheOperand('key', headDim);
  const row = (r: number): string => ownRow(geometry, r);
  const rowResult = (plane: keyof typeof ROW_PLANES, r: number): string =>
    `rowResults[${ROW_PLANES[plane]}u * params.rows + place${r}]`;
  // In a ring, keys of a tile that do not exist have the columns of others.
  const write = (r: number): string =>
    ring
      ? `let start = place${r} * params.keyLength - params.weightsBase;
      for (var k = 0; k < 4; k++) {
        if (isRow${r} && scores.attended[k]) {
          store_weightsOut(start + (u32(firstKey + k) + ringStart) % params.keyLength, vec4u(bits[k]), 1u);
        }
      }`
      : `let at = place${r} * params.keyLength - params.weightsBase + u32(firstKey);
      if (isRow${r}) { store_weightsOut(at, bits, u32(clamp(i32(params.keyLength) - firstKey, 0, 4))); }`;
  const main = `${beginBlock(geometry)}
  ${beginRing(variant)}
  let seen = seenKeys(block, batch, ${rows}u);
  let begin = max(seen.x, i32(group.z * params.splitKeys));
  let end = min(seen.y, i32((group.z + 1u) * params.splitKeys));
  ${
    keepsQueries
      ? `${stage(query, {
          rows,
          from: '0u',
          count: vectorsOf(headDim),
          target: 'queries',
          slot: (index) => `${index} * ${strideOf(vectorsOf(headDim))}u`,
        })}
  workgroupBarrier();`
      : ''
  }
${each(
  rowsEach,
  (r) => `
  let index${r} = block.start + ${row(r)};
  let isRow${r} = index${r} < block.count;
  let row${r} = rowOf(batch, block.batch, headOf(block, index${r}), indexOf(index${r}), isRow${r}, false);
  let place${r} = select(0u, placeOf(block, index${r}), isRow${r});
  let isFlagged${r} = (${rowResult('flags', r)} & SCORE_FLAG) != 0u;
  let maximum${r} = bitcast<f32>(select(${rowResult('rowMax', r)}, 0u, isFlagged${r} || isNonFinite(${rowResult('rowMax', r)})));
  let rowSum${r} = bitcast<f32>(select(${rowResult('rowSum', r)}, 0u, isFlagged${r}));`,
)}
  for (var tile = begin / ${keys} * ${keys}; tile < end; tile += ${keys}) {
    ${staged ? products('product', geometry, query, key, keepsQueries ? 'queries' : null) : directProducts('product', geometry, query, key, 'queries')}
${each(
  vectorsEach,
  (v) => `
    ${beginKeys(variant, geometry, v)}
${each(
  rowsEach,
  (r) => `
    {
      let firstKey = tile + i32(${ownKeys(geometry, v)});
      let scores = scoresOf(product${scoreOf(geometry, r, v)}, row${r}, firstKey, vec4<bool>(false));
      let shares = exponential(max(scores.values - maximum${r}, vec4f(-100.0))) / rowSum${r};
      let bits = select(vec4u(0u), select(bitcast<vec4u>(shares), vec4u(NAN), isFlagged${r}), scores.attended);
      ${write(r)}
    }`,
)}`,
)}
  }`;
  return shaderOf({
    label: 'weights',
    subgroup: geometry.subgroup,
    bindings: [
      readRows('query', stored.query),
      ...cacheBindings(variant, { key: true, value: false }),
      ...scoreBindings(variant),
      read('rowResults'),
      written('weightsOut', writtenElement(type)),
    ],
    declarations: [
      FINITE,
      conversions(type, cacheType),
      numberWriter('weightsOut', type),
      FLAGS,
      EXPONENTIAL,
      softcap ? TANH : '',
      BATCH,
      blockFunctions(isPacked),
      CHAIN,
      addresses('query', 'key'),
      cacheFunctions(variant, { key: true, value: false }),
      blockLoader('query', stored.query, { isPacked }),
      blockLoader('key', stored.key, { isPlaced: variant.pages || ring }),
      scoreFunctions(variant),
      workgroupMemory(geometry, {
        queries: keepsQueries ? rows * strideOf(vectorsOf(headDim)) : 0,
        stage: stageVectors(geometry, 0),
        weights: false,
        exchange: false,
      }),
    ],
    main,
  });
}
