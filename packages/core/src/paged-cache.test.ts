import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AttentionBackend,
  type HeedError,
  PagedCache,
  type PagedCacheState,
  attention,
  copyPages,
  tensor,
} from './index.ts';
import reference from './reference/index.ts';

/** Numbers that a sequence should hold, token by token. */
type Model = Map<number, number[]>;

/** Checks that every page is held by those that list it, and that the numbers are plain data. */
function ensureSound(book: PagedCache): void {
  const state = JSON.parse(JSON.stringify(book)) as PagedCacheState;
  const holders = Array.from({ length: book.pages }, () => 0);
  for (const [, { pages, length }] of state.sequences) {
    expect(new Set(pages).size).toBe(pages.length);
    expect(pages.length).toBe(Math.ceil(length / book.pageSize));
    for (const page of pages) holders[page]!++;
  }
  expect(state.holders).toEqual(holders);
  expect(book.free).toBe(holders.filter((count) => count === 0).length);
  expect(PagedCache.from(state).toJSON()).toEqual(state);
}

function readBack(book: PagedCache, pool: readonly number[], id: number): number[] {
  const table = book.blockTable([id]).data;
  const [length] = book.keyLengths([id]) as [number];
  return Array.from({ length }, (_, j) => {
    const page = table[Math.floor(j / book.pageSize)]!;
    return pool[page * book.pageSize + (j % book.pageSize)]!;
  });
}

function copied(book: PagedCache, pool: number[], copies: readonly { from: number; to: number }[]): void {
  const before = [...pool];
  for (const { from, to } of copies) {
    for (let n = 0; n < book.pageSize; n++) {
      pool[to * book.pageSize + n] = before[from * book.pageSize + n]!;
    }
  }
}

const operation = fc.record({
  what: fc.constantFrom('open', 'fork', 'append', 'append', 'append', 'truncate', 'close', 'defragment'),
  which: fc.nat(),
  count: fc.nat({ max: 9 }),
});

test('random operations: every sequence keeps its own keys, and no page is lost', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(operation, { maxLength: 60 }),
      (pages, pageSize, operations) => {
        const book = new PagedCache({ pages, pageSize });
        const model: Model = new Map();
        const pool: number[] = [];
        let token = 0;
        for (const { what, which, count } of operations) {
          const ids = [...model.keys()];
          const id = ids[which % Math.max(1, ids.length)];
          if (what === 'open') model.set(book.open(), []);
          else if (what === 'defragment') copied(book, pool, book.defragment());
          else if (id === undefined) continue;
          else if (what === 'fork') model.set(book.fork(id), [...model.get(id)!]);
          else if (what === 'close') {
            book.close(id);
            model.delete(id);
          } else if (what === 'truncate') {
            const length = which % (model.get(id)!.length + 1);
            book.truncate(id, length);
            model.get(id)!.length = length;
          } else {
            const before = JSON.stringify(book);
            try {
              const { slots, copies } = book.append(id, count);
              copied(book, pool, copies);
              for (const slot of slots) {
                pool[slot] = token;
                model.get(id)!.push(token++);
              }
            } catch (error) {
              expect((error as HeedError).code).toBe('OUT_OF_MEMORY');
              expect(JSON.stringify(book)).toBe(before);
            }
          }
          ensureSound(book);
          for (const [one, tokens] of model) expect(readBack(book, pool, one)).toEqual(tokens);
        }
        for (const id of model.keys()) book.close(id);
        expect(book.free).toBe(pages);
      },
    ),
    { numRuns: 300 },
  );
});

describe('mistakes', () => {
  const codeOf = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      return (error as HeedError).code;
    }
    return 'none';
  };

  test('have a code each', () => {
    const book = new PagedCache({ pages: 2, pageSize: 2 });
    const id = book.open();
    expect(codeOf(() => new PagedCache({ pages: 0, pageSize: 2 }))).toBe('ARGUMENT');
    expect(codeOf(() => new PagedCache({ pages: 2, pageSize: 2, size: 1 } as never))).toBe('UNKNOWN_OPTION');
    expect(codeOf(() => book.append(7, 1))).toBe('ARGUMENT');
    expect(codeOf(() => book.append(id, -1))).toBe('ARGUMENT');
    expect(codeOf(() => book.append(id, 5))).toBe('OUT_OF_MEMORY');
    expect(codeOf(() => book.truncate(id, 1))).toBe('ARGUMENT');
    book.append(id, 3);
    expect(codeOf(() => book.blockTable([id], 1))).toBe('ARGUMENT');
    expect(book.blockTable([id], 3).data.join()).toBe('0,1,-1');
    book.close(id);
    expect(codeOf(() => book.keyLengths([id]))).toBe('ARGUMENT');
  });

  test.each([undefined, null, 0, 'all', {}, new Set([0])])(
    '%s is not a list of sequences or copies',
    async (given) => {
      const book = new PagedCache({ pages: 2, pageSize: 2 });
      book.open();
      expect(codeOf(() => book.blockTable(given as never))).toBe('ARGUMENT');
      expect(codeOf(() => book.keyLengths(given as never))).toBe('ARGUMENT');
      await using backend = await reference.create();
      const pool = await backend.allocate('float32', [2, 1, 2, 1]);
      await expect(copyPages(pool, given as never)).rejects.toMatchObject({ code: 'ARGUMENT' });
      await expect(copyPages(given as never, [])).rejects.toMatchObject({ code: 'ARGUMENT' });
      await expect(copyPages(pool, [given] as never)).rejects.toMatchObject({
        code: expect.stringMatching(/ARGUMENT|MISSING_INPUT/),
      });
      await expect(pool.read(null as never)).rejects.toMatchObject({ code: 'ARGUMENT' });
      await expect(pool.write([[[[1]]]], { axis: Symbol('own'), start: 0 } as never)).rejects.toMatchObject({
        code: 'SHAPE',
      });
      pool.dispose();
    },
  );

  const whole: PagedCacheState = {
    pages: 4,
    pageSize: 2,
    holders: [2, 1, 1, 0],
    sequences: [
      [0, { pages: [0, 1], length: 3 }],
      [2, { pages: [0, 2], length: 4 }],
    ],
    next: 3,
  };
  const withFirst = (sequence: unknown): object => ({ ...whole, sequences: [sequence, whole.sequences[1]] });

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'ARGUMENT'],
    ['another member', { ...whole, owners: [] }, 'UNKNOWN_OPTION'],
    ['no pages', { ...whole, pages: 0 }, 'ARGUMENT'],
    ['holders for fewer pages', { ...whole, holders: [2, 1, 1] }, 'ARGUMENT'],
    ['holders of a page that nobody has', { ...whole, holders: [2, 1, 1, 1] }, 'ARGUMENT'],
    ['a page held once less', { ...whole, holders: [1, 1, 1, 0] }, 'ARGUMENT'],
    ['holders that are not numbers', { ...whole, holders: [2, 1, 1, NaN] }, 'ARGUMENT'],
    ['a name that comes next', { ...whole, next: 2 }, 'ARGUMENT'],
    ['a name twice', withFirst([2, { pages: [0, 1], length: 3 }]), 'ARGUMENT'],
    ['a sequence without its name', withFirst({ pages: [0, 1], length: 3 }), 'ARGUMENT'],
    ['a page that is not there', withFirst([0, { pages: [0, 4], length: 3 }]), 'ARGUMENT'],
    ['a page twice', withFirst([0, { pages: [0, 0], length: 3 }]), 'ARGUMENT'],
    ['too few pages', withFirst([0, { pages: [0, 1], length: 5 }]), 'ARGUMENT'],
    ['too many pages', withFirst([0, { pages: [0, 1], length: 2 }]), 'ARGUMENT'],
    ['a misspelled member', withFirst([0, { pages: [0, 1], lenght: 3 }]), 'UNKNOWN_OPTION'],
  ])('a state with %s is refused', (_, state, code) => {
    expect(codeOf(() => PagedCache.from(whole))).toBe('none');
    expect(codeOf(() => PagedCache.from(state as PagedCacheState))).toBe(code);
  });
});

test('two beams of a prompt write into pools, and attend to their own keys', async () => {
  const backend: AttentionBackend = await reference.create();
  const book = new PagedCache({ pages: 6, pageSize: 2 });
  const pool = await backend.allocate('float32', [6, 1, 2, 1]);
  const write = async (ids: readonly number[], rows: readonly number[]): Promise<void> => {
    const slots: number[][] = [];
    for (const id of ids) {
      const appended = book.append(id, rows.length / ids.length);
      await copyPages(pool, appended.copies);
      slots.push([...appended.slots]);
    }
    const length = rows.length / ids.length;
    await pool.write(tensor(Float32Array.from(rows), [ids.length, 1, length, 1]), { slots });
  };
  const one = book.open();
  await write([one], [1, 2, 3]);
  const two = book.fork(one);
  await write([one, two], [40, 50]);
  const query = tensor(new Float32Array(2), [2, 1, 1, 1]);
  const outputs = async (): Promise<number[]> => {
    const blockTable = book.blockTable([one, two]);
    const keyLengths = book.keyLengths([one, two]);
    const { output } = await attention(backend, { query, key: pool, value: pool, blockTable, keyLengths });
    return [...output.data];
  };
  expect(await outputs()).toEqual([46 / 4, 56 / 4]);
  book.truncate(one, 3);
  await copyPages(pool, book.defragment());
  expect(await outputs()).toEqual([2, 56 / 4]);
  await write([one], [60]);
  expect(await outputs()).toEqual([66 / 4, 56 / 4]);
  pool.dispose();
  await backend.dispose();
});
