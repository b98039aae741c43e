import type { ProblemType } from '../plan/stored.ts';
import type { Variant } from '../plan/variant.ts';
import { numberOf, widenedOf } from './elements.ts';
import { type Binding, read } from './module.ts';

/** Words of the table that a batch element takes. */
export const BATCH_WORDS = 8;

/** The tensors that scores are made of, beside queries and keys. */
export function scoreBindings({ mask, bias }: Variant): Binding[] {
  return [read('table'), ...(mask ? [read('mask')] : []), ...(bias ? [read('bias')] : [])];
}

/** Position of query rows among the keys, and the keys that they may see: see `plan/table.ts`. */
export const BATCH: string = `
struct Batch {
  // Row i stands at i + position + farPosition: only one of them is not 0.
  position: i32,
  farPosition: f32,
  // Row i sees keys from i + left on and from start on, and those before i + right.
  left: i32,
  right: i32,
  keys: i32,
  queries: i32,
  start: i32,
  // The key that these keys count from, in a ring.
  base: i32,
}

fn batchOf(index: u32) -> Batch {
  let at = ${BATCH_WORDS}u * index;
  return Batch(bitcast<i32>(table[at]), bitcast<f32>(table[at + 1u]), bitcast<i32>(table[at + 2u]),
    bitcast<i32>(table[at + 3u]), bitcast<i32>(table[at + 4u]), bitcast<i32>(table[at + 5u]),
    bitcast<i32>(table[at + 6u]), bitcast<i32>(table[at + 7u]));
}

fn firstKey(batch: Batch, row: i32) -> i32 {
  return max(batch.start, row + batch.left);
}

fn endKey(batch: Batch, row: i32) -> i32 {
  return select(0, min(batch.keys, row + batch.right), row < batch.queries);
}`;

/**
 * `rowOf(batch, b, h, i)`: the data of a row for its scores. `scoresOf(products, row, keys, …)`: the scores of four
 * keys from their products with the query, by SPEC.md, clause `order`.
 */
export function scoreFunctions(variant: Variant): string {
  const { mask, bias, segments, alibi, softcap, type, pages, ring } = variant;
  return `
struct Row {
  index: i32,
  first: i32,
  end: i32,
  // True if the row is non-finite as soon as it sees any key: its query, or its head's slope.
  spoiled: bool,
${alibi ? '  slope: f32,\n  position: i32,\n  farPosition: f32,' : ''}
${segments ? '  segment: u32,\n  keySegments: u32,' : ''}
${mask ? '  mask: u32,' : ''}
${bias ? '  bias: u32,' : ''}
}

struct Scores {
  values: vec4f,
  // Keys that the row may attend to; those of them that make it non-finite.
  attended: vec4<bool>,
  spoiling: vec4<bool>,
${softcap ? '  saturation: vec4f,' : ''}
}

fn rowOf(batch: Batch, b: u32, h: u32, i: u32, isRow: bool, spoiled: bool) -> Row {
  var row: Row;
  row.index = i32(i);
  row.first = firstKey(batch, row.index);
  row.end = select(0, endKey(batch, row.index), isRow);
  row.spoiled = spoiled;
${
  alibi
    ? `  let slope = table[params.slopesAt + h];
  row.spoiled = spoiled || isNonFinite(slope);
  row.slope = bitcast<f32>(select(slope, 0u, isNonFinite(slope)));
  row.position = row.index + batch.position;
  row.farPosition = batch.farPosition;`
    : ''
}
${
  segments
    ? `  row.segment = table[params.querySegmentsAt + b * params.queryLength + i];
  row.keySegments = params.keySegmentsAt + b * params.keyLength;`
    : ''
}
${mask ? '  row.mask = b * params.maskBatch + h * params.maskHead + i * params.maskRow - params.maskBase;' : ''}
${bias ? '  row.bias = b * params.biasBatch + h * params.biasHead + i * params.biasRow - params.biasBase;' : ''}
  return row;
}

${mask === 'boolean' ? BOOLEAN_MASK : ''}
${mask === 'float' ? termLoader('mask', type) : ''}
${bias ? termLoader('bias', type) : ''}

fn scoresOf(products: vec4f, row: Row, firstOfKeys: i32, spoiling: vec4<bool>) -> Scores {
  var scores: Scores;
  let keys = vec4i(firstOfKeys) + vec4i(0, 1, 2, 3);
  var attended = (keys >= vec4i(row.first)) & (keys < vec4i(row.end));
${pages ? '  attended &= existing;' : ''}
${places(ring)}
  var spoils = spoiling | vec4<bool>(row.spoiled);
  var score = params.scale * products;
${
  softcap
    ? `  scores.saturation = hyperbolicTangent(score / params.softcap);
  score = params.softcap * scores.saturation;`
    : ''
}
${bias ? addTerm('bias') : ''}
${
  alibi
    ? `  let distances = abs(vec4f(vec4i(row.position) - keys) + vec4f(row.farPosition));
  score = score - row.slope * distances;`
    : ''
}
${
  segments
    ? `  let segmentsAt = vec4u(row.keySegments) + vec4u(min(places, vec4i(i32(params.keyLength) - 1)));
  attended &= vec4<bool>(table[segmentsAt.x] == row.segment, table[segmentsAt.y] == row.segment,
    table[segmentsAt.z] == row.segment, table[segmentsAt.w] == row.segment);`
    : ''
}
${mask === 'boolean' ? '  attended &= maskAt(row.mask, places);' : ''}
${mask === 'float' ? addTerm('mask') : ''}
  // A sum of finite terms that is infinite: below it excludes, above it spoils.
  let bits = bitcast<vec4u>(score);
  let isNumber = !areNonFinite(bits);
  attended &= isNumber | (bits != vec4u(MINUS_INFINITY));
  spoils |= !isNumber;
  scores.values = bitcast<vec4f>(select(vec4u(0u), bits, isNumber));
  scores.attended = attended;
  scores.spoiling = attended & spoils;
  return scores;
}`;
}

/** Columns of keys in masks, biases and segments. */
function places(ring: boolean): string {
  return ring
    ? '  let places = (keys + vec4i(i32(ringStart))) % vec4i(i32(params.keyLength));'
    : '  let places = keys;';
}

const BOOLEAN_MASK = `
fn maskByte(at: u32) -> bool {
  return ((mask[at >> 2u] >> (8u * (at & 3u))) & 0xffu) != 0u;
}

fn maskAt(row: u32, keys: vec4i) -> vec4<bool> {
  let at = vec4u(row) + vec4u(keys) * params.maskKey;
  return vec4<bool>(maskByte(at.x), maskByte(at.y), maskByte(at.z), maskByte(at.w));
}`;

function termLoader(name: 'mask' | 'bias', type: ProblemType): string {
  const numbers = ['x', 'y', 'z', 'w'].map((lane) => numberOf(type, name, `at.${lane}`));
  return `
fn ${name}At(row: u32, keys: vec4i) -> vec4u {
  let at = vec4u(row) + vec4u(keys) * params.${name}Key;
  return ${widenedOf(type, `vec4u(${numbers.join(', ')})`)};
}`;
}

function addTerm(name: 'mask' | 'bias'): string {
  return `  let ${name}Bits = ${name}At(row.${name}, places);
  attended &= ${name}Bits != vec4u(MINUS_INFINITY);
  spoils |= areNonFinite(${name}Bits);
  score = score + finite(${name}Bits);`;
}
