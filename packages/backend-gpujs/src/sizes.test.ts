import { type AttentionRequest, attention, resolveRequest, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import gpujs from './index.ts';
import { absenceOf } from './test/absence-of.ts';
import { waves } from './test/run-some.ts';
import { useSoftwareVulkan } from '@heed/testing';

useSoftwareVulkan();

type Forward = AttentionRequest & { readonly output?: true; readonly gradient?: false };

function maximumDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((maximum, number, n) => Math.max(maximum, Math.abs(number - b[n]!)), 0);
}

describe.each(['webasm', 'cpu'] as const)('in mode %s', (mode) => {
  test('loops go on past the 1000 turns at which gpu.js ends them by default', async () => {
    const backend = await gpujs.create({ mode });
    const request: Forward = {
      query: waves([1, 1, 2, 4], 1),
      key: waves([1, 1, 2500, 4], 2),
      value: waves([1, 1, 2500, 4], 3),
    };
    const { output } = await attention(backend, request);
    const expected = await attention(await reference.create(), request);
    expect(maximumDifference(output.data, expected.output.data)).toBeLessThan(1e-6);
    await backend.dispose();
  });

  test('there can be more heads than 65,535, forward and gradient', async () => {
    const backend = await gpujs.create({ mode });
    const shape = [33_000, 2, 1, 1];
    const request = {
      query: waves(shape, 1),
      key: waves([33_000, 2, 2, 1], 2),
      value: waves([33_000, 2, 2, 1], 3),
      alignment: 'bottomRight',
      weights: true,
      gradient: true,
    } as const;
    const dOutput = waves(shape, 4);
    const [ours, theirs] = [
      await attention(backend, request),
      await attention(await reference.create(), request),
    ];
    const [gradients, expected] = [await ours.gradient(dOutput), await theirs.gradient(dOutput)];
    expect(maximumDifference(ours.output.data, theirs.output.data)).toBeLessThan(1e-6);
    expect(maximumDifference(ours.weights.data, theirs.weights.data)).toBeLessThan(1e-6);
    for (const name of ['dQuery', 'dKey', 'dValue'] as const) {
      expect(maximumDifference(gradients[name].data, expected[name].data)).toBeLessThan(1e-5);
    }
    await backend.dispose();
  });

  test.each([
    ['the output', {}],
    ['weights', { weights: true }],
  ] as const)('an abort is heard in the middle of a head, when %s is asked for', async (_, asked) => {
    const backend = await gpujs.create({ mode });
    const request = {
      query: waves([1, 1, 4096, 64], 1),
      key: waves([1, 1, 4096, 64], 2),
      value: waves([1, 1, 4096, 64], 3),
      ...asked,
    };
    const { problem, inputs } = resolveRequest(request);
    const kernel = await backend.compile(problem);
    // Between two tiles there is a turn of the event loop, and a tile has at most about 2²⁴ multiplications.
    const { tile } = kernel.plan;
    expect(tile.query * tile.key * 64).toBeLessThanOrEqual(2 ** 24);
    const controller = new AbortController();
    const reason = new Error('enough');
    setImmediate(() => setImmediate(() => controller.abort(reason)));
    await expect(kernel.run(inputs, { signal: controller.signal })).rejects.toBe(reason);
    await backend.dispose();
  });

  test('tiles add up, forward and gradient', async () => {
    const backend = await gpujs.create({ mode });
    const request = {
      query: waves([1, 1, 1100, 2], 1),
      key: waves([1, 1, 4096, 2], 2),
      value: waves([1, 1, 4096, 2], 3),
      causal: true,
      alignment: 'bottomRight',
      weights: true,
      gradient: true,
    } as const;
    const dOutput = waves([1, 1, 1100, 2], 4);
    const [ours, theirs] = [
      await attention(backend, request),
      await attention(await reference.create(), request),
    ];
    const [gradients, expected] = [await ours.gradient(dOutput), await theirs.gradient(dOutput)];
    expect(maximumDifference(ours.output.data, theirs.output.data)).toBeLessThan(5e-6);
    expect(maximumDifference(ours.weights.data, theirs.weights.data)).toBeLessThan(1e-6);
    for (const name of ['dQuery', 'dKey', 'dValue'] as const) {
      expect(maximumDifference(gradients[name].data, expected[name].data)).toBeLessThan(1e-5);
    }
    await backend.dispose();
  });
});

/** More elements than float32 can count. */
const LENGTH = 4200;

function maskedAttention() {
  const mask = Uint8Array.from({ length: LENGTH ** 2 }, (_, n) =>
    (Math.imul(n, 2654435761) >>> 16) % 7 === 0 ? 1 : 0,
  );
  return {
    query: tensor(new Float32Array(LENGTH).fill(1), [1, 1, LENGTH, 1]),
    // Whole numbers, each once: 4201 is prime.
    key: tensor(
      Float32Array.from({ length: LENGTH }, (_, j) => (1234 * j) % 4201),
      [1, 1, LENGTH, 1],
    ),
    value: waves([1, 1, LENGTH, 1], 1),
    mask: tensor(mask, [LENGTH, LENGTH]),
    window: { left: 63, right: 0 },
    scale: 1,
    selection: 'argmax',
    output: false,
    choice: true,
  } as const;
}

for (const mode of ['cpu', 'webgpu'] as const) {
  const absence = await absenceOf(mode);
  test.skipIf(absence !== null)(`${mode}: an index past 2²⁴ finds its element ${absence ?? ''}`, async () => {
    const backend = await gpujs.create({ mode });
    const request = maskedAttention();
    const { choice } = await attention(backend, request);
    const { data } = request.mask;
    for (let i = LENGTH - 100; i < LENGTH; i++) {
      let best = -1;
      for (let j = i - 63; j <= i; j++) {
        if (data[i * LENGTH + j] && (best === -1 || (1234 * j) % 4201 > (1234 * best) % 4201)) best = j;
      }
      expect(choice.data[i]).toBe(best);
    }
    await backend.dispose();
  });
}

test('webasm refuses arrays in which it would not find its elements', async () => {
  const backend = await gpujs.create({ mode: 'webasm' });
  expect(backend.supports(resolveRequest(maskedAttention()).problem)).toEqual({
    supported: false,
    clause: 'mask',
    reason:
      'mask has 17640000 elements, an array of gpu.js webasm simd128, 1 thread can have at most 16777216',
  });
  await backend.dispose();
});
