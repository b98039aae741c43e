import {
  type AttentionBackend,
  type AttentionRequest,
  type Tensor,
  attention,
  cast,
  quantize,
} from '@heed/core';
import { afterAll, describe, expect, test } from 'vitest';
import { createBackend } from '../backend.ts';
import webgpu from '../index.ts';
import { Engine, openEngine } from '../platform/engine.ts';
import { waves } from './requests.ts';
import { useSoftwareVulkan } from '@heed/testing';

useSoftwareVulkan();
const { available } = await webgpu.probe();

/** Requests of `test`; those of `release` are the others. */
const QUICK = new Set(['grouped heads', 'a mask for each head', 'few rows and weights', 'a cache of 8 bits']);

/** A backend whose shaders see at most so many bytes of a buffer. */
class Narrow extends Engine {
  override readonly largestBinding: number;

  constructor({ device, subgroup }: Engine, largestBinding: number) {
    super(device, { subgroup, ownsDevice: true });
    this.largestBinding = largestBinding;
  }
}

const shape = (length: number, depth: number, heads = 4): number[] => [3, heads, length, depth];
const dense = { query: waves(shape(40, 12), 1), key: waves(shape(44, 12), 2), value: waves(shape(44, 8), 3) };
const few = {
  query: waves(shape(1, 16), 1),
  key: waves(shape(700, 16, 2), 2),
  value: waves(shape(700, 16, 2), 3),
};
const beside = {
  query: waves([6, 40, 2, 12], 1),
  key: waves([6, 44, 2, 12], 2),
  value: waves([6, 44, 2, 5], 3),
  layout: 'blhd',
} as const;
const mask = (dims: readonly number[]) => ({
  data: Uint8Array.from({ length: dims.reduce((a, b) => a * b) }, (_, n) => Number(n % 3 !== 0)),
  shape: dims,
});
const boolean = (dims: readonly number[]) => {
  const { data } = mask(dims);
  return { dtype: 'bool' as const, shape: dims, data };
};

const half = (tensor: Tensor) => cast(tensor, 'float16');
const [keys, values] = [quantize(few.key, 'int8'), quantize(few.value, 'int8')];
const eight = {
  query: few.query,
  key: keys.numbers,
  keyScales: keys.scales,
  value: values.numbers,
  valueScales: values.scales,
};

/** Requests, and the bytes that a shader sees: several slices or a part of the batch of the largest tensors. */
const REQUESTS: Readonly<Record<string, readonly [AttentionRequest, number]>> = {
  dense: [dense, 12_288],
  weights: [{ ...dense, weights: true, statistics: true }, 16_384],
  'grouped heads': [{ ...dense, key: waves(shape(44, 12, 2), 2), value: waves(shape(44, 8, 2), 3) }, 12_288],
  'a mask for each head': [{ ...dense, mask: boolean([3, 4, 40, 44]) }, 12_288],
  'a mask for each element': [{ ...dense, mask: boolean([3, 1, 40, 44]) }, 12_288],
  'a float mask': [
    { ...dense, mask: waves([3, 4, 40, 44], 4), window: { left: 20, right: 5 }, alignment: 'topLeft' },
    16_384,
  ],
  'a bias for each head': [{ ...dense, bias: waves([1, 4, 40, 44], 5), weights: true }, 16_384],
  'few rows, keys split among workgroups': [few, 131_072],
  'few rows and weights': [{ ...few, weights: true }, 131_072],
  'the largest score': [{ ...dense, selection: 'argmax', choice: true }, 12_288],
  samples: [{ ...dense, selection: 'sample', seed: 5, weights: true }, 16_384],
  'a cache of 16 bits': [{ ...dense, key: half(dense.key), value: half(dense.value) }, 12_288],
  '16 bits, rows of odd length': [
    {
      query: half(beside.query),
      key: half(beside.key),
      value: half(beside.value),
      layout: 'blhd',
      weights: true,
    },
    12_288,
  ],
  'a cache of 8 bits': [eight, 32_768],
  'heads beside each other': [{ ...beside, weights: true }, 12_288],
};

/** Defines tests that shaders which see a part of a tensor compute the same bits. */
export function slices(part: 'test' | 'release'): void {
  const chosen = Object.entries(REQUESTS).filter(([name]) => QUICK.has(name) === (part === 'test'));
  describe.skipIf(!available)('tensors larger than a shader can see', () => {
    const wide: Promise<AttentionBackend> = openEngine({}).then(createBackend);
    afterAll(async () => (await wide).dispose());

    test.each(chosen)('%s: the same bits in slices', async (_, [request, bytes]) => {
      const largest = Math.max(
        ...Object.values(request).map((value) => (value as { data?: Float32Array }).data?.byteLength ?? 0),
      );
      expect(largest).toBeGreaterThan(bytes);
      await using narrow = createBackend(new Narrow(await openEngine({}), bytes));
      const [seen, sliced] = [await attention(await wide, request), await attention(narrow, request)];
      expect(sliced).toEqual(seen);
    });

    if (part !== 'release') return;
    test('their gradients are refused by name', async () => {
      await using narrow = createBackend(new Narrow(await openEngine({}), 12_288));
      const { gradient } = await attention(narrow, { ...dense, gradient: true });
      await expect(gradient(waves([3, 4, 40, 8], 9))).rejects.toMatchObject({
        code: 'OUT_OF_MEMORY',
        message: expect.stringContaining('output'),
      });
      await attention(narrow, dense);
    });
  });
}
