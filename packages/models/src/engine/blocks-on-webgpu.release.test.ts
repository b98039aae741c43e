import { type AttentionBackend, type Tensor, tensor } from '@heed/core';
import ts from '@heed/backend-ts';
import webgpu from '@heed/backend-webgpu';
import { TransformerBlock, seededRandom } from '@heed/layers';
import { isRequired, useSoftwareVulkan } from '@heed/testing';
import { describe, expect, test, vi } from 'vitest';

useSoftwareVulkan();
const { available } = await webgpu.probe();

const random = seededRandom(5);
const numbers = (...shape: readonly number[]): Tensor<'float32'> =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * random() - 1),
    shape,
  );
const [input, dOutput] = [numbers(2, 40, 24), numbers(2, 40, 24)];

const BLOCKS = {
  'post-norm with biases': { normFirst: false, activation: 'gelu' },
  'as in Qwen3: gate, groups, rotary, norms of heads': {
    norm: 'rms',
    bias: false,
    gated: true,
    activation: 'silu',
    attention: { kvHeads: 2, rotary: {}, queryKeyNorm: {} },
  },
} as const;

/** Counts how often a device is read during some work. */
async function readsDuring(backend: AttentionBackend, work: () => Promise<unknown>): Promise<number> {
  const one = await backend.upload(input);
  const { buffer } = backend.unwrap!(one) as { readonly buffer: GPUBuffer };
  const map = vi.spyOn(Object.getPrototypeOf(buffer) as GPUBuffer, 'mapAsync');
  one.dispose();
  try {
    await work();
    return map.mock.calls.length;
  } finally {
    map.mockRestore();
  }
}

/** Backends whose layers compute everything but attention here. */
const plain = await ts.create();
const here = Object.create(plain, {
  linear: { value: undefined },
  norm: { value: undefined },
}) as AttentionBackend;

describe.skipIf(!available && !isRequired('webgpu'))('blocks on WebGPU', () => {
  test.each(Object.entries(BLOCKS))('%s: the device is read for results alone', async (_, options) => {
    await using backend = await webgpu.create();
    const block = new TransformerBlock({ embedDim: 24, heads: 4, random: seededRandom(3), ...options });
    const asked = { gradient: true, dropout: { probability: 0.2, seed: 7 } } as const;
    const expected = await block.forward(here, { input, causal: true }, asked);
    const gradients = await expected.gradient(dOutput);

    let output: Tensor | undefined;
    const forward = (): Promise<unknown> =>
      block.forward(backend, { input, causal: true }, asked).then(async (results) => {
        ({ output } = results);
        return results;
      });
    // The output.
    expect(await readsDuring(backend, forward)).toBe(1);
    expectClose({ output: output! }, { output: expected.output });

    const actual = await block.forward(backend, { input, causal: true }, asked);
    let back: Awaited<ReturnType<typeof actual.gradient>> | undefined;
    const reads = await readsDuring(backend, async () => (back = await actual.gradient(dOutput)));
    const names = Object.keys(block.parameters).filter((name) => !name.startsWith('feedForward.gate.'));
    // Gradients of the parameters, those of a gate with the half above it, and of the input.
    expect(reads).toBe(names.length + 1);
    expectClose(
      { ...back!.parameters, dInput: back!.dInput },
      { ...gradients.parameters, dInput: gradients.dInput },
    );
  });
});

function expectClose(
  actual: Readonly<Record<string, Tensor>>,
  expected: Readonly<Record<string, Tensor>>,
): void {
  expect(Object.keys(actual).toSorted()).toEqual(Object.keys(expected).toSorted());
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(actual[name]!.shape, name).toEqual(shape);
    const largest = Math.max(...Array.from(data, Math.abs));
    const difference = Math.max(...Array.from(data, (x, n) => Math.abs(x - actual[name]!.data[n]!)));
    expect(difference / Math.max(1, largest), name).toBeLessThan(2e-5);
  }
}
