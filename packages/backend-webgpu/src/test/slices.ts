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

/** Requests whose gradients are compared, and the bytes that a shader sees. */
const GRADIENTS: Readonly<Record<string, readonly [AttentionRequest, number]>> = {
  'two or three heads at a time': [dense, 19_000],
  'one head at a time': [
    {
      ...dense,
      query: waves(shape(40, 36), 1),
      key: waves(shape(44, 36), 2),
      causal: true,
      alignment: 'bottomRight',
    },
    10_240,
  ],
  'grouped heads': [{ ...dense, key: waves(shape(44, 12, 2), 2), value: waves(shape(44, 8, 2), 3) }, 12_288],
  'large keys': [{ ...dense, query: waves(shape(5, 12), 1) }, 8_192],
  'a mask and a bias for each head': [
    { ...dense, mask: boolean([3, 4, 40, 44]), bias: waves([3, 4, 40, 44], 5) },
    16_384,
  ],
  'a bias for each element': [{ ...dense, bias: waves([3, 1, 40, 44], 5), sinks: waves([4], 6) }, 12_288],
  '16 bits, heads that begin within a word': [
    {
      query: half(waves([2, 4, 41, 35], 1)),
      key: half(waves([2, 4, 43, 35], 2)),
      value: half(waves([2, 4, 43, 21], 3)),
    },
    10_240,
  ],
  '16 bits, heads beside each other': [
    {
      query: half(waves([6, 40, 2, 36], 1)),
      key: half(waves([6, 44, 2, 36], 2)),
      value: half(waves([6, 44, 2, 21], 3)),
      layout: 'blhd',
    },
    12_288,
  ],
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
    test.each(Object.entries(GRADIENTS))('the gradient of %s: the same bits', async (_, [request, bytes]) => {
      await using narrow = createBackend(new Narrow(await openEngine({}), bytes));
      const of = async (backend: AttentionBackend): Promise<unknown> => {
        const { output, gradient } = await attention(backend, { ...request, gradient: true });
        return gradient(cast(waves(output.shape, 9), output.dtype as 'float32'));
      };
      expect(await of(narrow)).toEqual(await of(await wide));
    });

    test.each([
      ['a bias for the whole batch', { ...dense, bias: waves([1, 4, 40, 44], 5) }, 'query'],
      ['one head that is larger', { ...dense, query: waves(shape(300, 12), 1) }, 'query of one head'],
    ])('the gradient of %s is refused by name', async (_, request, name) => {
      await using narrow = createBackend(new Narrow(await openEngine({}), 12_288));
      const { gradient } = await attention(narrow, { ...dense, gradient: true });
      const refused = async (): Promise<unknown> => {
        const result = await attention(narrow, { ...request, gradient: true });
        return result.gradient(waves(result.output.shape, 9));
      };
      await expect(refused()).rejects.toMatchObject({
        code: 'OUT_OF_MEMORY',
        message: expect.stringContaining(name),
      });
      await gradient(waves([3, 4, 40, 8], 9));
    });
  });
}
