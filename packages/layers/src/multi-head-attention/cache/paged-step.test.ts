import ts from '@heed/backend-ts';
import { PagedCache, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { randomTensor } from '../../test/finite-differences.ts';
import {
  type FloatTensor,
  MultiHeadAttention,
  TransformerBlock,
  pagedStep,
  seededRandom,
} from '../../index.ts';

const backend = await ts.create();
const WIDTH = 8;
const common = { embedDim: WIDTH, heads: 4, dtype: 'float64', random: seededRandom(3) } as const;
const layers = {
  plain: new MultiHeadAttention(common),
  'rotary, grouped, norms': new MultiHeadAttention({ ...common, kvHeads: 2, rotary: {}, queryKeyNorm: {} }),
};
/** Tokens of two sequences. */
const texts = [randomTensor([1, 9, WIDTH], 1), randomTensor([1, 9, WIDTH], 2)] as const;

/** Tokens of sequences side by side, `[B, L, E]`: each a text and where its tokens begin. */
function tokens(
  length: number,
  ...parts: readonly (readonly [text: FloatTensor, start: number])[]
): FloatTensor {
  const rows = parts.flatMap(([{ data }, start]) => [
    ...data.subarray(start * WIDTH, (start + length) * WIDTH),
  ]);
  return tensor(Float64Array.from(rows), [parts.length, length, WIDTH]);
}

/** Checks row b of an output against the tokens of a whole text from a start on. */
function expectRow(output: FloatTensor, b: number, whole: FloatTensor, start: number): void {
  const size = output.shape[1] * WIDTH;
  const expected = whole.data.subarray(start * WIDTH, start * WIDTH + size);
  output.data.subarray(b * size, (b + 1) * size).forEach((x, n) => expect(x).toBeCloseTo(expected[n]!, 12));
}

describe.each(Object.entries(layers))('decoding in pages: %s', (_, layer) => {
  test('ragged sequences, a fork, and pages moved: each is the text alone', async () => {
    const causal = true;
    const wholes = await Promise.all(
      texts.map(async (query) => (await layer.forward(backend, { query, causal })).output),
    );
    // The second text after the first four tokens of the first.
    const mixed = tensor(
      Float64Array.from([...texts[0].data.subarray(0, 4 * WIDTH), ...texts[1].data.subarray(0, 2 * WIDTH)]),
      [1, 6, WIDTH],
    );
    const other = (await layer.forward(backend, { query: mixed, causal })).output;

    const book = new PagedCache({ pages: 12, pageSize: 2 });
    const pools = await layer.pools(backend, { book });
    const run = async (ids: readonly number[], query: FloatTensor): Promise<FloatTensor> => {
      const step = pagedStep(book, ids, query.shape[1], { columns: 5 });
      const { output } = await layer.forward(backend, { query, causal, cache: pools.at(step) });
      return output;
    };
    const [one, two] = [book.open(), book.open()];
    expectRow(await run([one], tokens(3, [texts[0], 0])), 0, wholes[0]!, 0);
    expectRow(await run([two], tokens(2, [texts[1], 0])), 0, wholes[1]!, 0);
    const both = await run([one, two], tokens(1, [texts[0], 3], [texts[1], 2]));
    expectRow(both, 0, wholes[0]!, 3);
    expectRow(both, 1, wholes[1]!, 2);
    const fork = book.fork(one);
    const three = await run([fork, two, one], tokens(2, [texts[1], 0], [texts[1], 3], [texts[0], 4]));
    expectRow(three, 0, other, 4);
    expectRow(three, 1, wholes[1]!, 3);
    expectRow(three, 2, wholes[0]!, 4);
    book.close(fork);
    book.truncate(two, 4);
    await pools.copy(book.defragment());
    const last = await run([two, one], tokens(2, [texts[1], 4], [texts[0], 6]));
    expectRow(last, 0, wholes[1]!, 4);
    expectRow(last, 1, wholes[0]!, 6);
    pools.dispose();
  });
});

test('a block decodes in pages of its self-attention', async () => {
  const block = new TransformerBlock({ ...common, attention: { rotary: {} } });
  const whole = await block.forward(backend, { input: texts[0], causal: true });
  const book = new PagedCache({ pages: 5, pageSize: 2 });
  const pools = await block.pools(backend, { book });
  const id = book.open();
  for (let n = 0; n < 9; n++) {
    const cache = pools.at(pagedStep(book, [id], 1));
    const { output } = await block.forward(backend, { input: tokens(1, [texts[0], n]), causal: true, cache });
    expectRow(output, 0, whole.output, n);
  }
  pools.dispose();
});

test('pools of int8 are close to those of float32', async () => {
  const layer = new MultiHeadAttention({ embedDim: WIDTH, heads: 2, random: seededRandom(5) });
  const query = tensor(Float32Array.from(tokens(6, [texts[0], 0]).data), [1, 6, WIDTH]);
  const whole = await layer.forward(backend, { query, causal: true });
  const book = new PagedCache({ pages: 3, pageSize: 4 });
  const pools = await layer.pools(backend, { book, type: 'int8' });
  const cache = pools.at(pagedStep(book, [book.open()], 6));
  const { output } = await layer.forward(backend, { query, causal: true, cache });
  const differences = output.data.map((x, n) => Math.abs(x - whole.output.data[n]!));
  expect(Math.max(...differences)).toBeLessThan(2e-2);
  expect(Math.max(...differences)).toBeGreaterThan(1e-6);
  pools.dispose();
});

test('a step that cannot be leaves the book as it is', async () => {
  const book = new PagedCache({ pages: 3, pageSize: 2 });
  const [one, two] = [book.open(), book.open()];
  pagedStep(book, [one, two], 2);
  const before = JSON.stringify(book);
  const refused: [string, () => unknown][] = [
    ['OUT_OF_MEMORY', () => pagedStep(book, [one, two], 1)],
    ['ARGUMENT', () => pagedStep(book, [one, one], 1)],
    ['ARGUMENT', () => pagedStep(book, [7], 1)],
    ['ARGUMENT', () => pagedStep(book, [one], -1)],
    ['ARGUMENT', () => pagedStep(book, [one], 1, { columns: 1 })],
    ['UNKNOWN_OPTION', () => pagedStep(book, [one], 1, { pages: 4 } as never)],
  ];
  for (const [code, work] of refused) {
    expect(work).toThrow(expect.objectContaining({ code }) as Error);
    expect(JSON.stringify(book)).toBe(before);
  }
  const layer = layers.plain;
  await expect(layer.pools(backend, { book: {} as never })).rejects.toMatchObject({ code: 'ARGUMENT' });
  const pools = await layer.pools(backend, { book });
  const cache = pools.at(pagedStep(book, [one], 1));
  await expect(layer.forward(backend, { query: tokens(2, [texts[0], 0]), cache })).rejects.toMatchObject({
    code: 'ARGUMENT',
    message: expect.stringContaining('expected the 1 of the step') as string,
  });
  pools.dispose();
});
