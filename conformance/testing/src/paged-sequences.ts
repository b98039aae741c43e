import {
  type AttentionBackend,
  type CacheType,
  type HeedError,
  PagedCache,
  type ResidentTensor,
  type Tensor,
  attention,
  cast,
  copyPages,
  dequantize,
  quantize,
  tensor,
} from '@heed/core';
import reference from '@heed/core/reference';
import { expect, test } from 'vitest';

const [HEADS, DEPTH] = [2, 16];
const TYPES = ['float32', 'float16', 'int8'] as const satisfies readonly CacheType[];
const STEPS = 25;

/** Key and value of a token, `[HEADS, DEPTH]` each, as the pools hold them. */
interface Token {
  readonly key: Float32Array;
  readonly value: Float32Array;
}

type Pools<T> = Readonly<Partial<Record<'key' | 'value' | 'keyScales' | 'valueScales', T>>>;

function randomOf(seed: number) {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1));
  return {
    integer,
    chance: (share: number): boolean => next() < share,
    pick: <T>(list: readonly T[]): T => list[integer(0, list.length - 1)]!,
    numbers: (...shape: number[]): Tensor<'float32'> =>
      tensor(
        Float32Array.from({ length: shape.reduce((size, length) => size * length, 1) }, () => 2 * next() - 1),
        shape,
      ),
  };
}

/** Rows `[B, HEADS, L, DEPTH]` as a pool of the type takes them, and as float32 again. */
function stored(rows: Tensor<'float32'>, type: (typeof TYPES)[number]) {
  if (type === 'int8') {
    const { numbers, scales } = quantize(rows, type, { group: DEPTH });
    return { numbers, scales, exact: dequantize(numbers, scales) };
  }
  const numbers = cast(rows, type);
  return { numbers, exact: cast(numbers, 'float32') };
}

/** Rows of one element of a batch and one token, of all heads. */
function tokenRow({ data, shape }: Tensor, b: number, j: number): Float32Array {
  const length = shape[2]!;
  const row = new Float32Array(HEADS * DEPTH);
  for (let h = 0; h < HEADS; h++) {
    const from = ((b * HEADS + h) * length + j) * DEPTH;
    row.set(data.subarray(from, from + DEPTH) as Float32Array, h * DEPTH);
  }
  return row;
}

function inLine(tokens: readonly Token[], name: 'key' | 'value'): Tensor<'float32'> {
  const data = new Float32Array(HEADS * tokens.length * DEPTH);
  for (let h = 0; h < HEADS; h++) {
    for (const [j, token] of tokens.entries()) {
      data.set(token[name].subarray(h * DEPTH, (h + 1) * DEPTH), (h * tokens.length + j) * DEPTH);
    }
  }
  return tensor(data, [1, HEADS, tokens.length, DEPTH]);
}

/** A pool full of NaN in each place that is named. */
async function poolsOf(backend: AttentionBackend, type: (typeof TYPES)[number], book: PagedCache) {
  const { pages, pageSize } = book;
  const shape = [pages, HEADS, pageSize, DEPTH];
  const scales = [pages, HEADS, pageSize, 1];
  const nothing = (of: readonly number[]): Tensor<'float32'> =>
    tensor(new Float32Array(of.reduce((a, b) => a * b)).fill(NaN), of);
  if (type !== 'int8') {
    const upload = (): Promise<ResidentTensor> => backend.upload(cast(nothing(shape), type));
    return { key: await upload(), value: await upload() };
  }
  return {
    key: await backend.allocate(type, shape),
    value: await backend.allocate(type, shape),
    keyScales: await backend.upload(nothing(scales)),
    valueScales: await backend.upload(nothing(scales)),
  };
}

/**
 * Does random things to sequences in pages: opens, forks, appends, truncates, closes and defragments them, and attends to some of them,
 * mostly without waiting for what is under way. Each answer must be that of its keys in a line, at the time of its call.
 */
async function playOut(backend: AttentionBackend, seed: number): Promise<void> {
  const { integer, chance, pick, numbers } = randomOf(seed);
  const type = pick(TYPES);
  const book = new PagedCache({ pages: integer(1, 14), pageSize: pick([1, 3, 4, 16]) });
  const pools: Pools<ResidentTensor> = await poolsOf(backend, type, book);
  const group = pick([1, 1, 2, 12]);
  const sequences = new Map<number, Token[]>();
  const underWay: Promise<unknown>[] = [];
  const judge = await reference.create();
  const copy = (copies: Parameters<typeof copyPages>[1]) =>
    Promise.all(Object.values(pools).map((pool) => copyPages(pool, copies)));

  const append = async (ids: readonly number[]): Promise<void> => {
    const count = integer(0, 5);
    const slots: number[][] = [];
    const grown: number[] = [];
    for (const id of ids) {
      const before = JSON.stringify(book);
      try {
        const appended = book.append(id, count);
        await copy(appended.copies);
        slots.push([...appended.slots]);
        grown.push(id);
      } catch (error) {
        expect((error as HeedError).code).toBe('OUT_OF_MEMORY');
        expect(JSON.stringify(book)).toBe(before);
      }
    }
    if (grown.length === 0) return;
    for (const name of ['key', 'value'] as const) {
      const rows = stored(numbers(grown.length, HEADS, count, DEPTH), type);
      underWay.push(pools[name]!.write(rows.numbers, { slots }));
      if (rows.scales) underWay.push(pools[`${name}Scales`]!.write(rows.scales, { slots }));
      for (const [b, id] of grown.entries()) {
        const tokens = sequences.get(id)!;
        const first = tokens.length - (name === 'value' ? count : 0);
        for (let j = 0; j < count; j++) {
          const row = tokenRow(rows.exact, b, j);
          if (name === 'key') tokens.push({ key: row, value: row });
          else tokens[first + j] = { key: tokens[first + j]!.key, value: row };
        }
      }
    }
  };

  const attend = async (ids: readonly number[]): Promise<void> => {
    const length = pick([1, 1, 2, 3]);
    const columns = Math.max(1, ...ids.map((id) => Math.ceil(sequences.get(id)!.length / book.pageSize)));
    const starts = ids.map(() => (chance(0.5) ? 0 : integer(0, columns * book.pageSize)));
    const query = numbers(ids.length, group * HEADS, length, DEPTH);
    const blockTable = book.blockTable(ids, columns);
    const run = attention(backend, {
      ...(pools as { key: ResidentTensor; value: ResidentTensor }),
      query,
      blockTable,
      keyLengths: book.keyLengths(ids),
      keyStarts: starts,
    });
    const expected = ids.map((id, b) => sequences.get(id)!.slice(starts[b]));
    const { output } = await run;
    const size = group * HEADS * length * DEPTH;
    for (const [b, tokens] of expected.entries()) {
      const right = await attention(judge, {
        query: tensor(query.data.slice(b * size, (b + 1) * size), [1, group * HEADS, length, DEPTH]),
        key: inLine(tokens, 'key'),
        value: inLine(tokens, 'value'),
      });
      const given = output.data.slice(b * size, (b + 1) * size);
      const wrong = given.findIndex((x, n) => !(Math.abs(x - right.output.data[n]!) < 2e-5));
      expect(wrong, `seed ${seed}, ${type}, element ${b}, first wrong number`).toBe(-1);
    }
  };

  for (let step = 0; step < STEPS; step++) {
    const ids = [...sequences.keys()];
    const what = pick([
      'open',
      'fork',
      'append',
      'append',
      'truncate',
      'close',
      'defragment',
      'attend',
      'attend',
    ]);
    if (what === 'open' || ids.length === 0) {
      sequences.set(book.open(), []);
      continue;
    }
    const id = pick(ids);
    const tokens = sequences.get(id)!;
    if (what === 'fork') sequences.set(book.fork(id), [...tokens]);
    else if (what === 'append') await append(ids.filter(() => chance(0.6)));
    else if (what === 'defragment') await copy(book.defragment());
    else if (what === 'attend') {
      const answer = attend(Array.from({ length: integer(1, 5) }, () => pick(ids)));
      underWay.push(answer);
      if (chance(0.3)) await answer;
    } else {
      const length = what === 'close' ? 0 : integer(0, tokens.length);
      book.truncate(id, length);
      tokens.length = length;
      if (what === 'close') {
        book.close(id);
        sequences.delete(id);
      }
    }
  }
  for (const pool of Object.values(pools)) pool.dispose();
  await Promise.all(underWay);
  await judge.dispose();
}

/** Defines a test of caches in pages that change while they are read. */
export function pagedSequences(create: () => Promise<AttentionBackend>): void {
  test('sequences in pages change while they are read, and each answer is that of its time', async () => {
    const backend = await create();
    for (let seed = 1; seed <= 60; seed++) await playOut(backend, seed);
    await backend.dispose();
  });
}
