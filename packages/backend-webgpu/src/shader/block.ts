import { type Geometry, exchanged, exchangesRows, ownKeys, ownRow, strideOf } from '../plan/geometry.ts';
import type { Stored } from '../plan/stored.ts';
import type { Variant } from '../plan/variant.ts';
import { type Binding, each, read } from './module.ts';
import type { DirectOperand, Operand } from './tile.ts';
import { readRows, rowAddress, rowLoader, vectorsOf } from './tensors.ts';

/**
 * Place of a block of query rows. Rows are those of one query head, or, if there are few, of all that share a
 * key/value head (a head group), neighbors in the group first.
 *
 * @param isPacked false if rows are always those of one head: shaders then divide no row numbers.
 */
export function blockFunctions(isPacked: boolean): string {
  return `
struct Block {
  batch: u32,
  // The first query head of the block, and the key/value head that it reads.
  head: u32,
  kvHead: u32,
  // The first row, and how many there are in all blocks of these heads.
  start: u32,
  count: u32,
  // Addresses of the first rows, and steps from one to the next: read once, since tiles load many.
  queries: u32,
  queryStep: u32,
  keys: u32,
  keyStep: u32,
  keyCount: u32,
  values: u32,
  valueStep: u32,
}

fn blockAt(b: u32, head: u32, kvHead: u32, start: u32, count: u32) -> Block {
  return Block(b, head, kvHead, start, count,
    b * params.queryBatch + head * params.queryHead - params.queryBase, params.queryRow,
    b * params.keyBatch + kvHead * params.keyHead - params.keyBase, params.keyRow, params.keyLength,
    b * params.valueBatch + kvHead * params.valueHead - params.valueBase, params.valueRow);
}

fn blockOf(x: u32, y: u32, rows: u32) -> Block {
  let slices = params.heads / params.packed;
  let head = (y % slices) * params.packed;
  return blockAt(y / slices, head, head / params.headsPerKv, x * rows, params.packed * params.queryLength);
}

fn headOf(block: Block, row: u32) -> u32 { return block.head${isPacked ? ' + row % params.packed' : ''}; }

fn indexOf(row: u32) -> u32 { return row${isPacked ? ' / params.packed' : ''}; }

// The place of a row in [B, Hq, Lq].
fn placeOf(block: Block, row: u32) -> u32 {
  return (block.batch * params.heads + headOf(block, row)) * params.queryLength + indexOf(row);
}

// The keys that any row of the block may see, by its position.
fn seenKeys(block: Block, batch: Batch, rows: u32) -> vec2i {
  let first = i32(indexOf(block.start));
  let last = min(i32(indexOf(min(block.start + rows, block.count) - 1u)), batch.queries - 1);
  return select(vec2i(0), vec2i(firstKey(batch, first), endKey(batch, last)), first <= last);
}`;
}

/** Functions that load vectors of a tensor's rows: 0 for rows and keys that are not there. */
export function blockLoader(
  name: 'query' | 'key' | 'value' | 'output' | 'dOutput',
  rows: Stored,
  {
    tensor = name,
    isPacked = true,
    isPlaced = true,
  }: {
    /** The binding that has the rows. */
    readonly tensor?: 'key' | 'value' | typeof name;
    /** See {@link blockFunctions}. */
    readonly isPacked?: boolean;
    /** True if keys lie in pages or in a ring. */
    readonly isPlaced?: boolean;
  } = {},
): string {
  const ofQueries = name === 'query' || name === 'output' || name === 'dOutput';
  const address = name === 'dOutput' ? 'output' : tensor;
  return `${rowLoader(name, rows, tensor)}
${
  ofQueries
    ? `fn load_${name}(block: Block, row: u32, n: u32) -> vec4u {
  if (row >= block.count) { return vec4u(0u); }
  return ${name}At(${
    name === 'query' && !isPacked
      ? 'block.queries + row * block.queryStep'
      : `${address}Row(block.batch, headOf(block, row), indexOf(row))`
  }, n);
}`
    : !isPlaced
      ? `fn load_${name}(block: Block, key: u32, n: u32) -> vec4u {
  if (key >= block.keyCount) { return vec4u(0u); }
  return ${name}At(block.${tensor}s + key * block.${tensor}Step, n);
}
fn address_${name}(block: Block, key: u32) -> u32 {
  return block.${tensor}s + min(key, block.keyCount - 1u) * block.${tensor}Step;
}`
      : `fn load_${name}(block: Block, key: u32, n: u32) -> vec4u {
  let place = cachePlace(block.batch, key);
  if (place.y == ABSENT) { return vec4u(0u); }
  return ${name}At(${address}Row(place.x, block.kvHead, place.y), n);
}
// The address of a key's row, or of another one if it is not there.
fn address_${name}(block: Block, key: u32) -> u32 {
  let place = cachePlace(block.batch, key);
  return ${address}Row(place.x, block.kvHead, select(place.y, 0u, place.y == ABSENT));
}`
}`;
}

/**
 * `cachePlace(batch, key)`: the batch element or page that has a key, and its row there, `ABSENT` if it is not there. In a ring,
 * `ringStart` must be set: see {@link beginRing}. With pages, `existing` is which of the keys of a tile are there.
 */
export function cacheFunctions(variant: Variant, wants: ReadRows): string {
  const { pages, ring, scales, rows } = variant;
  const reads = tensorsOf(variant, wants);
  const place = pages
    ? `if (key >= params.keyLength) { return vec2u(0u, ABSENT); }
  let page = pageOf(batch, key / params.pageSize);
  return vec2u(select(page, 0u, page == ABSENT), select(key % params.pageSize, ABSENT, page == ABSENT));`
    : ring
      ? 'return vec2u(batch, (key + ringStart) % params.keyLength);'
      : 'return vec2u(batch, select(ABSENT, key, key < params.keyLength));';
  const scale = (name: 'key' | 'value', { group, aligned }: Stored): string => {
    const index = `(number + ${aligned ? 4 : 1}u * params.${name}Base) / ${group}u`;
    const at =
      scales === 'table' ? `params.${name}ScalesAt + ${index}` : `${index} - params.${name}ScaleBase`;
    return `// The scale of a number of the tensor.
fn ${name}Scale(number: u32) -> u32 { return ${scales === 'table' ? 'table' : `${name}Scales`}[${at}]; }`;
  };
  return `const ABSENT = 0xffffffffu;
${ring ? 'var<private> ringStart: u32;' : ''}
${
  pages
    ? `var<private> existing: vec4<bool>;
fn pageOf(batch: u32, column: u32) -> u32 {
  return table[params.blockTableAt + batch * params.pageColumns + column];
}
fn areExisting(batch: u32, first: u32) -> vec4<bool> {
  let columns = min(vec4u(first) + vec4u(0u, 1u, 2u, 3u), vec4u(params.keyLength - 1u)) / vec4u(params.pageSize);
  return vec4u(pageOf(batch, columns.x), pageOf(batch, columns.y), pageOf(batch, columns.z), pageOf(batch, columns.w))
    != vec4u(ABSENT);
}`
    : ''
}
fn cachePlace(batch: u32, key: u32) -> vec2u {
  ${place}
}
${scales ? reads.map((name) => scale(name, rows[name])).join('\n') : ''}`;
}

/** Rows that a shader reads. */
interface ReadRows {
  readonly key: boolean;
  readonly value: boolean;
}

function tensorsOf(variant: Variant, wants: ReadRows): ('key' | 'value')[] {
  const values = valueTensor(variant);
  return [
    ...(wants.key || (wants.value && values === 'key') ? (['key'] as const) : []),
    ...(wants.value && values === 'value' ? (['value'] as const) : []),
  ];
}

/** Bindings of keys and values, and of their scales. */
export function cacheBindings(variant: Variant, wants: ReadRows): Binding[] {
  const names = tensorsOf(variant, wants);
  return [
    ...names.map((name) => readRows(name, variant.rows[name])),
    ...(variant.scales === 'bound' ? names.map((name) => read(`${name}Scales`)) : []),
  ];
}

/** The tensor that has the values. */
export function valueTensor({ valueFromKey }: Variant): 'key' | 'value' {
  return valueFromKey ? 'key' : 'value';
}

/** Code before the tiles of a block. */
export function beginRing({ ring }: Variant): string {
  return ring ? 'ringStart = u32(batch.base) % params.keyLength;' : '';
}

/** Code before the scores of vector `v` of an invocation's keys. */
export function beginKeys({ pages }: Variant, geometry: Geometry, v: number): string {
  return pages ? `existing = areExisting(block.batch, u32(tile) + ${ownKeys(geometry, v)});` : '';
}

/** Addresses that loaders of these tensors need. */
export function addresses(...names: readonly ('query' | 'key' | 'value' | 'output')[]): string {
  return names.map(rowAddress).join('\n');
}

/** The query rows of a block as an operand. */
export function queryOperand(headDim: number): Operand {
  return {
    vectors: vectorsOf(headDim),
    load: (index, n) => `load_query(block, block.start + ${index}, ${n})`,
  };
}

/**
 * The keys or values of a tile as an operand.
 *
 * @param isPart true if a pass may ask for vectors behind the end of a row.
 */
export function cacheOperand(name: 'key' | 'value', depth: number, isPart = false): DirectOperand {
  const vectors = vectorsOf(depth);
  const vector = (n: string): string => (isPart ? `min(${n}, ${vectors - 1}u)` : n);
  return {
    vectors,
    load: (index, n) => `load_${name}(block, u32(tile) + ${index}, ${n})`,
    address: (index) => `address_${name}(block, u32(tile) + ${index})`,
    at: (address, n) => `${name}At(${address}, ${vector(n)})`,
  };
}

/** Declarations of the workgroup memory that a block of this shape uses. */
export function workgroupMemory(
  geometry: Geometry,
  sizes: {
    readonly queries?: number;
    readonly stage?: number;
    readonly weights?: boolean;
    readonly exchange?: boolean;
  },
): string {
  const { rows, keys, keyThreads, staged, subgroup } = geometry;
  const { queries = 0, stage = 0, weights = true, exchange = true } = sizes;
  return [
    queries > 0 ? `var<workgroup> queries: array<vec4f, ${queries}>;` : '',
    stage > 0 ? `var<workgroup> stage: array<vec4f, ${stage}>;` : '',
    weights && staged ? `var<workgroup> weights: array<vec4f, ${rows * strideOf(keys / 4)}>;` : '',
    weights && !staged ? `var<workgroup> weights: array<vec4u, ${(rows * keys) / 4}>;` : '',
    exchange ? `var<workgroup> exchange: array<u32, ${rows * exchanged(keyThreads, subgroup)}>;` : '',
    exchange && keyThreads > 8 && subgroup === 1 ? `var<workgroup> exchanged: array<u32, ${rows * 8}>;` : '',
  ].join('\n');
}

/** Code that finds the row, the keys and the block of an invocation. */
export function beginBlock({ keyThreads, rows }: Geometry): string {
  return `
  let threadKey = thread % ${keyThreads}u;
  let threadRow = thread / ${keyThreads}u;
  let x = group.x + params.firstX;
  let y = group.y + params.firstY;
  let block = blockOf(x, y, ${rows}u);
  let batch = batchOf(block.batch);`;
}

/** Arguments of functions for noise: the first of four keys of an invocation in the tile, the row, its head, its batch element. */
export function placeOfNoise(r: number, keys = '4u * threadKey'): string {
  return `u32(batch.base + tile) + ${keys}, indexOf(index${r}), headOf(block, index${r}), block.batch`;
}

/** Reduction of the values of the invocations of a row to one. */
export interface Reduction {
  readonly type: 'f32' | 'u32';
  /** Code of the value of row r, and of the variable that takes the result. */
  of(r: number): string;
  into(r: number): string;
  combine(a: string, b: string): string;
}

/**
 * Code that combines values over the invocations of each row, in a fixed order. All invocations must take part; all
 * then see what each wrote to workgroup memory before.
 */
export function acrossRow(geometry: Geometry, reduction: Reduction): string {
  return geometry.subgroup > 1 ? bySubgroups(geometry, reduction) : byMemory(geometry, reduction);
}

function byMemory(geometry: Geometry, { type, of, into, combine }: Reduction): string {
  const { rowsEach, keyThreads } = geometry;
  const row = (r: number): string => ownRow(geometry, r);
  const { bits, fold } = wordsOf(type, combine);
  const write = each(rowsEach, (r) => `  exchange[${row(r)} * ${keyThreads}u + threadKey] = ${bits(of(r))};`);
  if (keyThreads === 8) {
    return `${write}
  workgroupBarrier();
${each(rowsEach, (r) => `  ${into(r)} = ${fold('exchange', `${row(r)} * 8u`, 8)};`)}`;
  }
  return `${write}
  workgroupBarrier();
  if (threadKey < 8u) {
${each(rowsEach, (r) => `    exchanged[${row(r)} * 8u + threadKey] = ${bits(fold('exchange', `${row(r)} * ${keyThreads}u + 8u * threadKey`, 8))};`)}
  }
  workgroupBarrier();
${each(rowsEach, (r) => `  ${into(r)} = ${fold('exchanged', `${row(r)} * 8u`, 8)};`)}`;
}

/** Shuffles within the smallest possible subgroup; anything that only larger ones could do goes through memory. */
function bySubgroups(geometry: Geometry, { type, of, into, combine }: Reduction): string {
  const { rowsEach, keyThreads } = geometry;
  const reach = Math.min(geometry.subgroup, keyThreads);
  const groups = exchanged(keyThreads, geometry.subgroup);
  const row = (r: number): string => ownRow(geometry, r);
  const { bits, fold } = wordsOf(type, combine);
  // Neighbors that exchange rows have a row in different places.
  const placeAt = (r: number, step: number): number => (exchangesRows(geometry) && step < 4 ? r ^ step : r);
  const shuffled = (count: number): string =>
    each(Math.log2(count), (n) => {
      const step = 2 ** n;
      const swapped = each(
        rowsEach,
        (r) => `    let swapped${r} = ${shuffle(into(placeAt(r, step)), step)};`,
      );
      return `  {
${swapped}
${each(rowsEach, (r) => `    ${into(r)} = ${combine(into(r), `swapped${r}`)};`)}
  }`;
    });
  const within = `${each(rowsEach, (r) => `  ${into(r)} = ${of(r)};`)}
${shuffled(reach)}`;
  if (groups === 1) return `${within}\n  workgroupBarrier();`;
  // Where there are many groups, neighbors read some of them each.
  const readers = Math.min(reach, groups);
  const own = groups / readers;
  return `${within}
${each(rowsEach, (r) => `  exchange[${row(r)} * ${groups}u + (threadKey >> ${Math.log2(reach)}u)] = ${bits(into(r))};`)}
  workgroupBarrier();
${each(
  rowsEach,
  (r) =>
    `  ${into(r)} = ${fold('exchange', `${row(r)} * ${groups}u + ${own}u * (threadKey & ${readers - 1}u)`, own)};`,
)}
${shuffled(readers)}`;
}

/** Exchanges with the neighbor `step` invocations away. Those of a quad have instructions of their own. */
function shuffle(code: string, step: number): string {
  if (step === 1) return `quadSwapX(${code})`;
  return step === 2 ? `quadSwapY(${code})` : `subgroupShuffleXor(${code}, ${step}u)`;
}

function wordsOf(type: Reduction['type'], combine: Reduction['combine']) {
  const value = (code: string): string => (type === 'u32' ? code : `bitcast<f32>(${code})`);
  return {
    bits: (code: string): string => (type === 'u32' ? code : `bitcast<u32>(${code})`),
    fold: (array: string, at: string, count: number): string =>
      Array.from({ length: count }, (_, n) => value(`${array}[${at} + ${n}u]`)).reduce((a, b) =>
        combine(a, b),
      ),
  };
}
