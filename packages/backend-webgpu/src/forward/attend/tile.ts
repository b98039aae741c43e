import { ownKeys, ownRow, ownVector, scoreOf, strideOf } from '../../plan/geometry.ts';
import {
  acrossRow,
  beginKeys,
  cacheOperand,
  placeOfNoise,
  queryOperand,
  valueTensor,
} from '../../shader/block.ts';
import { THREADS, each } from '../../shader/module.ts';
import {
  type DirectOperand,
  type Operand,
  accumulate,
  directProducts,
  products,
  sums,
} from '../../shader/tile.ts';
import type { Attending } from './attending.ts';

/** Code of a tile of keys: scores, the online softmax over them, and the sums of values. */
export function attendTile(attending: Attending): string {
  return `${tileProducts(attending)}
${tileScores(attending)}
${onlineSoftmax(attending)}
${addValues(attending)}`;
}

/** The query rows of a block; `queryFlags` tells which are not finite. */
export function flaggedQueries(headDim: number): Operand {
  return { ...queryOperand(headDim), spoil: (index) => `atomicOr(&queryFlags[${index}], 1u);` };
}

/** Past the last key, other rows are read: no query attends to them. */
function near(operand: DirectOperand): DirectOperand {
  return { ...operand, load: (index, n) => operand.at(operand.address(index), n) };
}

function tileProducts({ variant, geometry, sumsValues }: Attending): string {
  const { headDim } = variant;
  const { keys, staged, keepsQueries } = geometry;
  const query = flaggedQueries(headDim);
  const key: DirectOperand = {
    ...near(cacheOperand('key', headDim)),
    ...(staged && { spoil: (index: string) => `atomicOr(&keyFlags[${index}], 1u);` }),
  };
  return `    ${staged ? products('product', geometry, query, key, keepsQueries ? 'queries' : null) : directProducts('product', geometry, query, key, 'queries')}
    ${staged ? `let keySpoils0 = ${ownFlags('keyFlags')};` : ''}
    ${sumsValues && staged ? clear('valueFlags', keys) : ''}`;
}

function tileScores({ variant, geometry, isHard }: Attending): string {
  const { selection } = variant;
  const { rowsEach, vectorsEach } = geometry;
  return each(
    vectorsEach,
    (v) => `
    ${beginKeys(variant, geometry, v)}
${each(rowsEach, (r) => {
  const s = scoreOf(geometry, r, v);
  const maximum = `max(max(seen${s}.x, seen${s}.y), max(seen${s}.z, seen${s}.w))`;
  return `
    let scores${s} = scoresOf(product${s}, row${r}, tile + i32(${ownKeys(geometry, v)}), keySpoils${v});
    if (any(scores${s}.spoiling)) { flags${r} |= SCORE_FLAG; }
    let seen${s} = select(vec4f(LOWEST), scores${s}.values, scores${s}.attended);
    ${v === 0 ? `var tileMaximum${r} = ${maximum};` : `tileMaximum${r} = max(tileMaximum${r}, ${maximum});`}
    ${isHard ? choose(r, s, ownKeys(geometry, v), selection === 'sample') : ''}`;
})}`,
  );
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

/** New maxima of the rows, the factors of what was summed so far, and the weights of the tile, added up and stored. */
function onlineSoftmax(attending: Attending): string {
  const { geometry, sumsValues } = attending;
  const { rowsEach, vectorsEach, keys, staged } = geometry;
  return `
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
  const s = scoreOf(geometry, r, v);
  return `    let weights${s} = select(vec4f(0.0), exponential(max(scores${s}.values - newMaximum${r}, vec4f(-100.0))), scores${s}.attended);
    let sum${s}w = (weights${s}.x + weights${s}.y) + (weights${s}.z + weights${s}.w);
    ${v === 0 ? `sum${r} = fma(sum${r}, factor${r}, sum${s}w);` : `sum${r} += sum${s}w;`}
    ${sumsValues ? storedWeights(attending, r, v) : ''}`;
})}
    maximum${r} = newMaximum${r};`,
)}`;
}

/** Stores the weights of a row and a vector of keys for all that sum values. */
function storedWeights({ variant, geometry }: Attending, r: number, v: number): string {
  const { keys, staged } = geometry;
  const s = scoreOf(geometry, r, v);
  const numbers = variant.dropout
    ? `dropped(weights${s}, ${placeOfNoise(r, ownKeys(geometry, v))})`
    : `weights${s}`;
  return staged
    ? `stage[${ownRow(geometry, r)} * ${strideOf(keys / 4)}u + threadKey] = ${numbers};`
    : `weights[${(r * keys) / 4}u + ${ownVector(geometry, v)}] = select(vec4u(UNATTENDED), bitcast<vec4u>(${numbers}), scores${s}.attended);`;
}

function addValues(attending: Attending): string {
  const { variant, geometry, sumsValues, passes, vectors, valueVectors, columns } = attending;
  const { rowsEach, staged } = geometry;
  if (!sumsValues) return '';
  const value: DirectOperand = {
    ...near(cacheOperand('value', variant.valueDim, passes > 1)),
    ...(!(variant.pages || variant.ring) && { step: `block.${valueTensor(variant)}Step` }),
    // Where invocations read values themselves, weights tell who attends to them.
    ...(staged && { spoil: (index: string) => `atomicOr(&valueFlags[${index}], 1u);` }),
  };
  return `
${sums('sum', rowsEach, columns, (sum, r) => `    ${sum} *= factor${r};`)}
${accumulate('sum', geometry, columns, value, {
  weights: attending.weightsIn,
  vectors: Math.min(vectors, valueVectors),
  firstVector: 'firstVector',
  valuesAt: attending.valuesAt,
})}
${
  staged
    ? `
    let valueSpoils = ${ownFlags('valueFlags')};
${each(rowsEach, (r) => `    if (any(valueSpoils & scores${r}.attended)) { flags${r} |= VALUE_FLAG; }`)}`
    : ''
}`;
}

/** Flags of the four keys of an invocation. */
function ownFlags(name: string): string {
  return `vec4<bool>(${[0, 1, 2, 3].map((k) => `atomicLoad(&${name}[4u * threadKey + ${k}u]) != 0u`).join(', ')})`;
}

/** Sets flags of workgroup memory to 0: unwritten memory is undefined. */
export function clear(name: string, count: number): string {
  return `for (var n = thread; n < ${count}u; n += ${THREADS}u) { atomicStore(&${name}[n], 0u); }`;
}
