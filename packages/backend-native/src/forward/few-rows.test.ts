// Few query rows are attended to in other ways than many (quads.h, direct.h): keys are laid out for all rows at once from five on,
// and values are added before it is known that they are finite.
import { type AttentionRequest, type Tensor, attention, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import native from '../index.ts';
import type { NativeOptions } from '../options.ts';
import { loadBinding } from '../platform/load.ts';
import { numbers } from '../test/long-run.ts';

const loaded = loadBinding();
const levels = 'binding' in loaded ? loaded.binding.levels().map(({ option }) => option) : [];
const exact = await reference.create();

interface Shape {
  readonly rows: number;
  readonly keys: number;
  readonly depth: number;
  readonly valueDim?: number;
}

function requestOf({ rows, keys, depth, valueDim = depth }: Shape): AttentionRequest {
  return {
    query: numbers(1, 1, 2 * rows, 1, depth),
    key: numbers(2, 1, 2, keys, depth),
    value: numbers(3, 1, 2, keys, valueDim),
  };
}

/** The request with something in place of a number of a key's value, in the second head. */
function spoiled(request: AttentionRequest, key: number, number: number): AttentionRequest {
  const { data, shape } = request.value as Tensor<'float32'>;
  const [, , keys, depth] = shape as [number, number, number, number];
  const copy = data.slice();
  copy[(keys + key) * depth + 1] = number;
  return { ...request, value: tensor(copy, shape) };
}

/** Expects the reference's numbers; in `spoiledHead`, only what is not finite, since the rest of such a row is unspecified. */
async function expectSame(
  request: AttentionRequest,
  options: NativeOptions,
  spoiledHead?: number,
): Promise<void> {
  const backend = await native.create({ threads: 1, ...options });
  const [ours, theirs] = [await attention(backend, request), await attention(exact, request)];
  await backend.dispose();
  const [got, wanted] = [ours.output!.data as Float32Array, theirs.output!.data as Float32Array];
  expect(got).toHaveLength(wanted.length);
  for (const [n, x] of wanted.entries()) {
    const head = Math.floor((2 * n) / wanted.length);
    if (!Number.isFinite(x)) expect(got[n]).toBe(x);
    else if (head !== spoiledHead) expect(Math.abs(got[n]! - x)).toBeLessThan(2e-6);
  }
}

const shapes: Shape[] = [1, 2, 4, 5, 6, 7, 8].flatMap((rows) => [
  { rows, keys: 1, depth: 64 },
  { rows, keys: 31, depth: 16 },
  { rows, keys: 1301, depth: 64 },
  { rows, keys: 530, depth: 128, valueDim: 80 },
  { rows, keys: 70, depth: 272, valueDim: 33 },
  { rows, keys: 70, depth: 40, valueDim: 256 },
]);

describe.each(levels)('few rows on %s', (option) => {
  const options = { level: option } as NativeOptions;

  test.each(shapes)('$rows rows, $keys keys, $depth numbers', async (shape) => {
    await expectSame(requestOf(shape), options);
  });

  test.each([1, 4, 7, 8])('%i rows: a value of padding that is not finite reaches nothing', async (rows) => {
    const request = requestOf({ rows, keys: 1301, depth: 64 });
    const mask = tensor(
      Uint8Array.from({ length: 1301 }, (_, key) => +(key !== 700)),
      [1301],
    );
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY])
      await expectSame({ ...spoiled(request, 700, number), mask }, options);
  });

  test.each([1, 4, 7, 8])(
    '%i rows: a value that is attended to reaches every row of its head',
    async (rows) => {
      await expectSame(spoiled(requestOf({ rows, keys: 1301, depth: 64 }), 700, Number.NaN), options, 1);
    },
  );
});
