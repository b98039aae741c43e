import { THREADS } from '../shader/module.ts';
import { vectorsOf } from '../shader/tensors.ts';

/** Keys that an invocation scores together: one vector. */
export const KEYS = 4;

/** Vectors of an output row that one pass over the keys sums: as many as registers hold. More take further passes. */
export const MAXIMUM_VECTORS = 64;

/** Division of a tile of scores among the 64 invocations of a workgroup. */
export interface Geometry {
  /** Invocations along the rows, and along the keys: their product is 64. */
  readonly rowThreads: number;
  readonly keyThreads: number;
  /** Rows of one invocation, which takes every `rowThreads`-th. */
  readonly rowsEach: number;
  /** Vectors of four keys that an invocation scores in a tile: it takes every `keyThreads`-th. */
  readonly vectorsEach: number;
  /** Query rows of a block, and keys of a tile. */
  readonly rows: number;
  readonly keys: number;
  /**
   * True if keys and values go through workgroup memory, which pays if several rows share them. Otherwise each
   * invocation reads them itself.
   */
  readonly staged: boolean;
  /** Vectors of queries and keys, along the head size, that are in workgroup memory at one time. */
  readonly chunk: number;
  /** The same of keys where queries stay: more, since fewer parts are fewer barriers. */
  readonly keyChunk: number;
  /** Vectors of values in workgroup memory at one time. */
  readonly valueChunk: number;
  /** True if whole query rows stay in workgroup memory. */
  readonly keepsQueries: boolean;
  /** Number of neighboring invocations that exchange numbers without workgroup memory; 1 where none do. */
  readonly subgroup: number;
}

/** Limits of an adapter that matter for geometry: the same on all but small ones. */
export interface Limits {
  /** Number of bytes of workgroup memory. */
  readonly workgroupMemory: number;
  readonly subgroup: number;
}

/** Rows up to which a block has them all in one invocation, and keys are split among workgroups. */
const FEW_ROWS = 4;
/** Workgroup memory that every device has. */
const SMALL_MEMORY = 16_384;
/** Vectors of keys of an invocation that reads them itself, where its rows leave workgroup memory for their weights. */
const DIRECT_VECTORS = 2;
/**
 * Keys of a split, at absolute positions, where keys go through workgroup memory, and where they do not: the more rows, the more
 * a workgroup has to do for each key. A multiple of the keys of a tile.
 */
const SPLIT_KEYS = 512;
const DIRECT_SPLIT_KEYS = 1024;
/** A multiple of the keys of every split and tile. */
export const BASE_STRIDE: number = DIRECT_SPLIT_KEYS;

/** Keys that a workgroup takes where keys are split among them. */
export function splitKeysOf({ staged }: Geometry): number {
  return staged ? SPLIT_KEYS : DIRECT_SPLIT_KEYS;
}

/**
 * Returns the shape of the tiles. It depends on lengths and head sizes alone, never on batch, heads or the kind of
 * adapter, so that a row's bits do not, either.
 *
 * Workgroup memory is kept small, since it limits the number of workgroups that a GPU's core has at one time. So
 * queries and keys are staged 32 numbers of the head size at a time.
 *
 * @param rows of all query heads that share a key/value head, if they are packed; of one head otherwise.
 */
export function geometryOf(rows: number, headDim: number, { workgroupMemory, subgroup }: Limits): Geometry {
  const vectors = vectorsOf(headDim);
  if (rows <= FEW_ROWS) {
    const rowsEach = 2 ** Math.ceil(Math.log2(Math.max(1, rows)));
    // Queries, weights, what invocations exchange, and flags.
    const bytes = 16 * rowsEach * (strideOf(vectors) + THREADS * DIRECT_VECTORS + (THREADS + 8) / 4 + 1);
    const vectorsEach = bytes <= SMALL_MEMORY ? DIRECT_VECTORS : 1;
    return {
      rowThreads: 1,
      keyThreads: THREADS,
      rowsEach,
      vectorsEach,
      rows: rowsEach,
      keys: THREADS * KEYS * vectorsEach,
      staged: false,
      chunk: vectors,
      keyChunk: vectors,
      valueChunk: VALUE_CHUNK,
      keepsQueries: true,
      subgroup,
    };
  }
  const most = workgroupMemory >= MANY_ROWS_BYTES ? 8 : 4;
  const rowsEach = Math.min(most, rows <= 8 ? 1 : rows <= 16 ? 2 : rows <= 64 ? 4 : 8);
  const chunk = Math.min(CHUNK, vectors);
  const shape = {
    rowThreads: 8,
    keyThreads: 8,
    rowsEach,
    vectorsEach: 1,
    rows: 8 * rowsEach,
    keys: 8 * KEYS,
    staged: true,
  };
  // Staging queries again for each tile takes longer than a second part of the values does.
  const fits = (valueChunk: number): boolean => {
    const stage = Math.max(shape.keys * strideOf(chunk), shape.keys * valueChunk);
    const weights = weightVectors(shape);
    const exchange = 4 * shape.rows * exchanged(shape.keyThreads, subgroup);
    const flags = 4 * (shape.rows + 2 * shape.keys);
    return 16 * (shape.rows * strideOf(vectors) + stage + weights) + exchange + flags <= workgroupMemory;
  };
  const valueChunk = fits(VALUE_CHUNK) || !fits(VALUE_CHUNK / 2) ? VALUE_CHUNK : VALUE_CHUNK / 2;
  let keyChunk = chunk;
  while (
    keyChunk < vectors &&
    shape.keys * strideOf(2 * keyChunk) <= weightVectors(shape) + shape.keys * valueChunk
  ) {
    keyChunk *= 2;
  }
  return { ...shape, chunk, keyChunk, valueChunk, keepsQueries: fits(valueChunk), subgroup };
}

/** Vectors of the weights of a tile in workgroup memory. */
export function weightVectors({ rows, keys }: Pick<Geometry, 'rows' | 'keys'>): number {
  return rows * strideOf(keys / KEYS);
}

/** True if four neighboring invocations, which have the same rows, read a quarter of them each and exchange them. */
export function exchangesRows({ staged, rowsEach, subgroup }: Geometry): boolean {
  return staged && subgroup >= 4 && rowsEach % 4 === 0;
}

/**
 * Code of row `r` of an invocation, in its block. Neighbors that exchange rows count from their own: row r of one is row r ^ 1 of the
 * next, so that a swap of the two brings each what it needs in its place.
 */
export function ownRow(geometry: Geometry, r: number): string {
  const { rowThreads } = geometry;
  return exchangesRows(geometry)
    ? `(threadRow + ${rowThreads}u * (${r}u ^ (threadKey & 3u)))`
    : `(threadRow + ${rowThreads * r}u)`;
}

/** Code of the vector `v` of keys of an invocation, in its tile: the place of its first key is four times as much. */
export function ownVector({ keyThreads }: Geometry, v: number): string {
  return v === 0 ? 'threadKey' : `(threadKey + ${keyThreads * v}u)`;
}

/** Code of the first key of that vector, in its tile. */
export function ownKeys(geometry: Geometry, v: number): string {
  return `${KEYS}u * ${ownVector(geometry, v)}`;
}

/** The part of a name that tells row `r` and vector `v` of an invocation's keys. */
export function scoreOf({ vectorsEach }: Geometry, r: number, v: number): string {
  return vectorsEach === 1 ? `${r}` : `${r}_${v}`;
}

/** Numbers of a row that its invocations exchange through workgroup memory: one for each group that shuffles. */
export function exchanged(keyThreads: number, subgroup: number): number {
  return keyThreads / Math.min(subgroup, keyThreads);
}

/** Vectors of queries or keys in workgroup memory at one time, along their head size. */
const CHUNK = 8;
/** Vectors of values that are staged at one time, along their head size. */
export const VALUE_CHUNK = 16;
/**
 * Workgroup memory from which on an invocation takes 8 rows, so that each number that it reads is multiplied by more.
 *
 * SwiftShader (AMD EPYC, 2 cores) runs four invocations as one program of SSE instructions whose values mostly lie on the stack. For
 * the four, in nanoseconds: a number read from workgroup memory or a buffer 9 (as much from the same address for all; 4 from a
 * constant address of a uniform), written 7, a multiply-add 1 to 3, quadSwapX 1.2, quadBroadcast 2.6, going round a loop 10, a
 * barrier 320. N = 512, H = 8, D = 64, dense, new beside old in one run: 8 rows and not 4, exchanged among four neighbors 0.72; addresses
 * of rows computed once a block 0.70; queries kept and staging without divisions 0.95; swaps and not broadcasts, with rows in the
 * order of each neighbor 0.89; each row's numbers swapped where they are used, and no remainders in loops 0.9. Slower, since more
 * values are known at one time: loops written out 2, 4 and 8 times 1.14, 1.23 and 1.69; values staged by keys, so that weights are
 * read once for all columns 1.2. Without effect: constant indices of workgroup memory, which are bounds-checked alike.
 *
 * Decoding, 16,384 keys, H = 8, D = 64, in times of jax-js's 38 ms: 1.5 before; 1.34 with 8 keys an invocation and not 4, and two
 * vectors of values for each weight; 1.1 with 1,024 keys a workgroup and not 512, and sums folded once: 512 workgroups without any tile
 * took 35 ms in Node, 128 of them 13; 0.91 with non-finite numbers looked for only where sums are not finite. Slower: 16 keys an
 * invocation and one tile of 1,024 1.15; two vectors of keys read in each round of the loop 1.19. What is left: of a call's time 2 ms
 * are fixed; the length of an array, which bounds checks ask for in each round, takes four divisions, 0.04 of the rest.
 *
 * N = 512, dense, on an Intel Xeon, samples of the compiled code: 0.3 products, 0.35 sums of values, 0.13 bringing both to workgroup
 * memory, 0.15 softmax, 0.12 barriers; of products and sums, two thirds are reading. Keys staged without a branch for those that are not
 * there, and written before they are tested, 0.95 to 0.98; whole rows of keys, where weights are later, and so two barriers less, 0.96.
 * Slower: staging without a loop 1.02 to 1.05.
 */
const MANY_ROWS_BYTES = 32_768;

/** Vectors from one row to the next in workgroup memory: one more, so that rows lie in different banks. */
export function strideOf(vectors: number): number {
  return vectors + 1;
}

/**
 * Vectors of the part that keys and values, and queries that do not stay, go through.
 *
 * @param valuesAt where values begin.
 */
export function stageVectors(geometry: Geometry, valueVectors: number, valuesAt = 0): number {
  const { rows, keys, chunk, keyChunk, valueChunk, keepsQueries, staged } = geometry;
  if (!staged) return 0;
  const chunks = keepsQueries ? keys * strideOf(keyChunk) : (rows + keys) * strideOf(chunk);
  return Math.max(chunks, valueVectors === 0 ? 0 : valuesAt + keys * Math.min(valueChunk, valueVectors));
}
