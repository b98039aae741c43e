import {
  type Geometry,
  MAXIMUM_VECTORS,
  ownKeys,
  ownRow,
  ownVector,
  scoreOf,
  stageVectors,
  strideOf,
  weightVectors,
} from '../plan/geometry.ts';
import type { Variant } from '../plan/variant.ts';
import {
  type Reduction,
  acrossRow,
  addresses,
  beginBlock,
  beginKeys,
  beginRing,
  blockFunctions,
  blockLoader,
  cacheBindings,
  cacheFunctions,
  cacheOperand,
  placeOfNoise,
  queryOperand,
  valueTensor,
  workgroupMemory,
} from '../shader/block.ts';
import { DROPOUT, EXPONENTIAL, GUMBEL, LOGARITHM, PHILOX, TANH } from '../shader/math.ts';
import { conversions } from '../shader/elements.ts';
import { type Shader, THREADS, each, shaderOf, written } from '../shader/module.ts';
import { BATCH, scoreBindings, scoreFunctions } from '../shader/scores.ts';
import { FINITE, readRows, rowWriter, vectorsOf, writtenRows } from '../shader/tensors.ts';
import {
  CHAIN,
  type DirectOperand,
  type Operand,
  UNATTENDED,
  accumulate,
  columnsOf,
  directProducts,
  foldSums,
  passesOf,
  products,
  stage,
  sums,
} from '../shader/tile.ts';
import { FLAGS, OUTPUT_BITS, RECORD_VECTORS, finishFunctions, recordVectors } from './finish.ts';

export interface AttendOptions {
  readonly variant: Variant;
  readonly geometry: Geometry;
  /** True if sums of values are wanted: soft attention's output. */
  readonly sumsValues: boolean;
  /** True if keys are split among workgroups, whose records {@link mergeShader} joins. */
  readonly splits: boolean;
  /** True if the rows of several heads share blocks. */
  readonly isPacked: boolean;
}

/**
 * Flash attention (Dao et al. 2022; the online softmax is Milakov and Gimelshein's, 2018): a workgroup takes a block of
 * query rows over all their keys, a tile at a time, with scores, maxima and sums in registers. Grid: blocks, slices of
 * batch and heads, splits of the keys · passes.
 *
 * A sum of 0 means "no key yet", and no maximum does: the maximum begins at the lowest float, which a score may be.
 */
export function attendShader({ variant, geometry, sumsValues, splits, isPacked }: AttendOptions): Shader {
  const { headDim, valueDim, type, cacheType, rows: stored, selection, softcap, dropout } = variant;
  const { rows, rowsEach, vectorsEach, keys, staged, keepsQueries } = geometry;
  const values = valueTensor(variant);
  const isPlaced = variant.pages || variant.ring;
  const hard = selection !== 'softmax';
  const { passes, vectors } = sumsValues ? passesOf(valueDim, MAXIMUM_VECTORS) : { passes: 1, vectors: 1 };
  const columns = columnsOf(geometry, vectors);
  const valueVectors = vectorsOf(valueDim);
  const query: Operand = {
    ...queryOperand(headDim),
    spoil: (index) => `atomicOr(&queryFlags[${index}], 1u);`,
  };
  // Past the last key, other rows are read: no query attends to them.
  const near = (operand: DirectOperand): DirectOperand => ({
    ...operand,
    load: (index, n) => operand.at(operand.address(index), n),
  });
  const keyOperand: DirectOperand = {
    ...near(cacheOperand('key', headDim)),
    ...(staged && { spoil: (index: string) => `atomicOr(&keyFlags[${index}], 1u);` }),
  };
  const valueOperand: DirectOperand = {
    ...near(cacheOperand('value', valueDim, passes > 1)),
    ...(!isPlaced && { step: `block.${values}Step` }),
    // Where invocations read values themselves, weights tell who attends to them.
    ...(staged && { spoil: (index: string) => `atomicOr(&valueFlags[${index}], 1u);` }),
  };
  const row = (r: number): string => ownRow(geometry, r);
  const kept = keepsQueries ? 'queries' : null;
  // Weights lie where keys were: behind the products of a tile is a barrier.
  const weightsIn = staged ? 'stage' : 'weights';
  const valuesAt = staged ? weightVectors(geometry) : 0;

  const bindings = [
    readRows('query', stored.query),
    ...cacheBindings(variant, { key: true, value: sumsValues }),
    ...scoreBindings(variant),
    ...(splits
      ? [written('records', 'vec4u')]
      : [written('rowResults'), ...(sumsValues ? [writtenRows('output', stored.output)] : [])]),
  ];

  const declarations = [
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

  const stageQueries = stage(query, {
    rows,
    from: '0u',
    count: vectorsOf(headDim),
    target: 'queries',
    slot: (index) => `${index} * ${strideOf(vectorsOf(headDim))}u`,
  });

  const id = (r: number, v: number): string => scoreOf(geometry, r, v);
  const firstOf = (v: number): string => ownKeys(geometry, v);
  const storeWeights = (r: number, v: number): string => {
    const own = `weights${id(r, v)}`;
    const numbers = dropout ? `dropped(${own}, ${placeOfNoise(r, firstOf(v))})` : own;
    return staged
      ? `stage[${row(r)} * ${strideOf(keys / 4)}u + threadKey] = ${numbers};`
      : `weights[${(r * keys) / 4}u + ${ownVector(geometry, v)}] = select(vec4u(UNATTENDED), bitcast<vec4u>(${numbers}), scores${id(r, v)}.attended);`;
  };
  const scores = each(
    vectorsEach,
    (v) => `
    ${beginKeys(variant, geometry, v)}
${each(rowsEach, (r) => {
  const s = id(r, v);
  const maximum = `max(max(seen${s}.x, seen${s}.y), max(seen${s}.z, seen${s}.w))`;
  return `
    let scores${s} = scoresOf(product${s}, row${r}, tile + i32(${firstOf(v)}), keySpoils${v});
    if (any(scores${s}.spoiling)) { flags${r} |= SCORE_FLAG; }
    let seen${s} = select(vec4f(LOWEST), scores${s}.values, scores${s}.attended);
    ${v === 0 ? `var tileMaximum${r} = ${maximum};` : `tileMaximum${r} = max(tileMaximum${r}, ${maximum});`}
    ${hard ? choose(r, s, firstOf(v), selection === 'sample') : ''}`;
})}`,
  );

  const softmax = `
${each(rowsEach, (r) => `    var newMaximum${r} = maximum${r};`)}
${acrossRow(geometry, {
  type: 'f32',
  of: (r) => `tileMaximum${r}`,
  into: (r) => `newMaximum${r}`,
  combine: (a, b) => `max(${a}, ${b})`,
})}
${each(rowsEach, (r) => `    newMaximum${r} = max(newMaximum${r}, maximum${r});`)}
    ${staged ? clear('keyFlags', keys) : ''}
${each(Math.ceil(rowsEach / 4), (n) => {
  const changes = [0, 1, 2, 3].map((k) => {
    const r = 4 * n + k;
    return r < rowsEach ? `maximum${r} - newMaximum${r}` : '0.0';
  });
  return `    let factors${n} = exponential(max(vec4f(${changes.join(', ')}), vec4f(-100.0)));`;
})}
${each(
  rowsEach,
  (r) => `
    let factor${r} = factors${Math.floor(r / 4)}[${r % 4}];
${each(vectorsEach, (v) => {
  const s = id(r, v);
  return `    let weights${s} = select(vec4f(0.0), exponential(max(scores${s}.values - newMaximum${r}, vec4f(-100.0))), scores${s}.attended);
    let sum${s}w = (weights${s}.x + weights${s}.y) + (weights${s}.z + weights${s}.w);
    ${v === 0 ? `sum${r} = fma(sum${r}, factor${r}, sum${s}w);` : `sum${r} += sum${s}w;`}
    ${sumsValues ? storeWeights(r, v) : ''}`;
})}
    maximum${r} = newMaximum${r};`,
)}`;

  const addValues = !sumsValues
    ? ''
    : `
${sums('sum', rowsEach, columns, (sum, r) => `    ${sum} *= factor${r};`)}
${accumulate('sum', geometry, columns, valueOperand, {
  weights: weightsIn,
  vectors: Math.min(vectors, valueVectors),
  firstVector: 'firstVector',
  valuesAt,
})}
${
  staged
    ? `
    let valueSpoils = vec4<bool>(${[0, 1, 2, 3].map((k) => `atomicLoad(&valueFlags[4u * threadKey + ${k}u]) != 0u`).join(', ')});
${each(rowsEach, (r) => `    if (any(valueSpoils & scores${r}.attended)) { flags${r} |= VALUE_FLAG; }`)}`
    : ''
}`;

  const main = `${beginBlock(geometry)}
  let columnPart = group.z % ${passes}u;
  let split = group.z / ${passes}u;
  let firstVector = columnPart * ${vectors}u;
  let column = threadKey % ${columns.threads}u;
  let keyGroup = threadKey / ${columns.threads}u;
  ${beginRing(variant)}
  let seen = seenKeys(block, batch, ${rows}u);
  let begin = max(seen.x, i32(split * params.splitKeys));
  let end = min(seen.y, i32((split + 1u) * params.splitKeys));
  ${clear('queryFlags', rows)}
  ${staged ? clear('keyFlags', keys) : ''}
  workgroupBarrier();
  ${keepsQueries ? stageQueries : ''}
  ${keepsQueries ? 'workgroupBarrier();' : ''}
${each(
  rowsEach,
  (r) => `
  let index${r} = block.start + ${row(r)};
  let row${r} = rowOf(batch, block.batch, headOf(block, index${r}), indexOf(index${r}), index${r} < block.count,
    ${keepsQueries ? `(atomicLoad(&queryFlags[${row(r)}]) & 1u) != 0u` : 'false'});
  var maximum${r} = LOWEST;
  var sum${r} = 0.0;
  var flags${r} = 0u;
  ${hard ? `var best${r} = LOWEST;\n  var choice${r} = -1;` : ''}`,
)}
${sumsValues ? sums('sum', rowsEach, columns, (sum) => `  var ${sum} = vec4f(0.0);`) : ''}

  for (var tile = begin / ${keys} * ${keys}; tile < end; tile += ${keys}) {
    ${staged ? products('product', geometry, query, keyOperand, kept) : directProducts('product', geometry, query, keyOperand, 'queries')}
    ${staged ? `let keySpoils0 = vec4<bool>(${[0, 1, 2, 3].map((k) => `atomicLoad(&keyFlags[4u * threadKey + ${k}u]) != 0u`).join(', ')});` : ''}
    ${sumsValues && staged ? clear('valueFlags', keys) : ''}
${scores}
${softmax}
${addValues}
  }

${
  keepsQueries
    ? ''
    : `  workgroupBarrier();
${each(rowsEach, (r) => `  if (sum${r} > 0.0 && (atomicLoad(&queryFlags[${row(r)}]) & 1u) != 0u) { flags${r} |= SCORE_FLAG; }`)}`
}
${end({ geometry, hard, sumsValues, splits, columns, vectors, valueVectors, passes })}`;

  const kind = `${selection}${splits ? ' of a split' : ''}`;
  return shaderOf({ label: `attend, ${kind}`, subgroup: geometry.subgroup, bindings, declarations, main });
}

/** Sets flags of workgroup memory to 0: unwritten memory is undefined. */
function clear(name: string, count: number): string {
  return `for (var n = thread; n < ${count}u; n += ${THREADS}u) { atomicStore(&${name}[n], 0u); }`;
}

/** A row's best candidate so far: strictly larger ones replace it, so that the first among equals stays. */
function choose(r: number, scores: string, firstKey: string, sampled: boolean): string {
  const noise = sampled ? `gumbel(${placeOfNoise(r, firstKey)})` : 'vec4f(0.0)';
  return `
    let candidates${scores} = scores${scores}.values + ${noise};
${each(
  4,
  (
    k,
  ) => `    if (scores${scores}.attended[${k}] && (choice${r} == -1 || candidates${scores}[${k}] > best${r})) {
      best${r} = candidates${scores}[${k}];
      choice${r} = tile + i32(${firstKey}) + ${k};
    }`,
)}`;
}

interface End {
  readonly geometry: Geometry;
  readonly hard: boolean;
  readonly sumsValues: boolean;
  readonly splits: boolean;
  readonly columns: ReturnType<typeof columnsOf>;
  readonly vectors: number;
  readonly valueVectors: number;
  readonly passes: number;
}

/**
 * Combines and writes the results of the invocations of a row. Flags, which are rare, share `queryFlags`: bit 0 is the query's, so
 * that no barriers are theirs.
 */
function end({ geometry, hard, sumsValues, splits, columns, vectors, valueVectors, passes }: End): string {
  const { rowsEach } = geometry;
  const row = (r: number): string => ownRow(geometry, r);
  const across = (reduction: Reduction): string => `
  workgroupBarrier();
${acrossRow(geometry, reduction)}`;
  // Behind the sums of a tile is a barrier: what was exchanged before has been read.
  const rowSums = `
${each(rowsEach, (r) => `  var rowSum${r} = 0.0;\n  if (flags${r} != 0u) { atomicOr(&queryFlags[${row(r)}], flags${r} << 1u); }`)}
${sumsValues ? '' : '  workgroupBarrier();'}
${acrossRow(geometry, { type: 'f32', of: (r) => `sum${r}`, into: (r) => `rowSum${r}`, combine: (a, b) => `(${a} + ${b})` })}
${each(rowsEach, (r) => `  let allFlags${r} = atomicLoad(&queryFlags[${row(r)}]) >> 1u;`)}`;
  // The best of all first, then the lowest key among those that have it; −1 is the largest unsigned number.
  const choices = !hard
    ? ''
    : `
${each(rowsEach, (r) => `  var rowBest${r} = LOWEST;\n  var rowChoice${r} = 0u;`)}
${across({ type: 'f32', of: (r) => `best${r}`, into: (r) => `rowBest${r}`, combine: (a, b) => `max(${a}, ${b})` })}
${across({
  type: 'u32',
  of: (r) => `select(0xffffffffu, bitcast<u32>(choice${r}), best${r} == rowBest${r})`,
  into: (r) => `rowChoice${r}`,
  combine: (a, b) => `min(${a}, ${b})`,
})}`;
  const writeSums = (write: (c: number) => string): string =>
    !sumsValues
      ? ''
      : `    if (keyGroup == 0u) {
${each(columns.each, (c) => {
  const guard =
    vectors % columns.threads === 0 && passes === 1
      ? ''
      : `if (column + ${c * columns.threads}u < ${vectors}u && firstVector + column + ${c * columns.threads}u < ${valueVectors}u) `;
  return `      ${guard}{ ${write(c)} }`;
})}
    }`;
  const choiceOf = (r: number): string => (hard ? `bitcast<i32>(rowChoice${r})` : '-1');
  const finishRow = (r: number): string => `
  if (index${r} < block.count) {
    let finished = finish(maximum${r}, rowSum${r}, allFlags${r}, headOf(block, index${r}));
    if (threadKey == 0u && columnPart == 0u) { writeRow(finished, ${choiceOf(r)}, batch.base, placeOf(block, index${r})); }
    ${sumsValues ? `let at = outputRow(block.batch, headOf(block, index${r}), indexOf(index${r}));` : ''}
${writeSums((c) => `write_output(at, firstVector + column + ${c * columns.threads}u, outputBits(sum${r}_${c}, finished, rowSum${r} == 0.0));`)}
  }`;
  const size = recordVectors(sumsValues ? vectors : 0);
  const recordRow = (r: number): string => `
  if (index${r} < block.count) {
    let at = (((y * params.splits + split) * block.count + index${r}) * ${passes}u + columnPart) * ${size}u;
    if (threadKey == 0u) {
      records[at] = vec4u(bitcast<u32>(maximum${r}), bitcast<u32>(rowSum${r}), allFlags${r}, bitcast<u32>(${choiceOf(r)}));
      ${hard ? `records[at + 1u] = vec4u(bitcast<u32>(rowBest${r}), 0u, 0u, 0u);` : ''}
    }
${writeSums((c) => `records[at + ${RECORD_VECTORS}u + column + ${c * columns.threads}u] = bitcast<vec4u>(sum${r}_${c});`)}
  }`;
  return `${rowSums}
${choices}
${sumsValues ? foldSums('sum', geometry, columns, geometry.staged ? 'stage' : 'weights') : ''}
${each(rowsEach, splits ? recordRow : finishRow)}`;
}
