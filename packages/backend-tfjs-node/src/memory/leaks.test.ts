import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type AttentionKernel, type AttentionRequest, attention, resolveRequest } from '@heed/core';
import { expect, test } from 'vitest';
import { tfjsNodeProvider } from '../provider.ts';
import { numbers, onTensorflow } from '../test/on-tensorflow.ts';

const SMALL_TILES = { scores: 40, sampledScores: 40, minimumRows: 3, causalRows: 3, windowRows: 3, apart: 8 };

const requests: Readonly<Record<string, Omit<AttentionRequest, 'gradient' | 'output'>>> = {
  dense: { query: numbers(1, 2, 4, 9, 8), key: numbers(2, 2, 2, 9, 8), value: numbers(3, 2, 2, 9, 5) },
  everything: {
    query: numbers(1, 2, 9, 4, 8),
    key: numbers(2, 2, 11, 2, 8),
    value: numbers(3, 2, 11, 2, 5),
    layout: 'blhd',
    causal: true,
    alignment: 'bottomRight',
    window: { left: 3 },
    softcap: 2,
    bias: numbers(4, 4, 9, 11),
    sinks: numbers(5, 4),
    alibiSlopes: numbers(6, 4),
    keyLengths: [11, 4],
    weights: true,
    logSumExp: true,
    statistics: true,
  },
  'not finite': {
    query: numbers(1, 1, 2, 9, 8),
    key: { ...numbers(2, 1, 2, 9, 8), data: numbers(2, 1, 2, 9, 8).data.fill(NaN, 70, 80) },
    value: numbers(3, 1, 2, 9, 8),
    causal: true,
  },
  sampled: {
    query: numbers(1, 1, 2, 9, 8),
    key: numbers(2, 1, 2, 9, 8),
    value: numbers(3, 1, 2, 9, 8),
    selection: 'sample',
    seed: 3,
    choice: true,
    weights: true,
  },
};

onTensorflow('no tensor is left behind', (setting) => {
  /** Tensors and bytes that TensorFlow.js knows of. */
  const counts = async (): Promise<{ numTensors: number; numDataBuffers: number }> => {
    const { numTensors, numDataBuffers } = (await setting()).tf.memory();
    return { numTensors, numDataBuffers };
  };

  for (const [limits, of] of [
    [undefined, 'one tile'],
    [SMALL_TILES, 'small tiles'],
  ] as const) {
    const create = () => tfjsNodeProvider(limits && { limits }).create();

    test.for(Object.entries(requests))(`after a run in ${of}: %s`, async ([, request]) => {
      await setting();
      const backend = await create();
      const before = await counts();
      await attention(backend, request);
      expect(await counts()).toEqual(before);
    });

    test.for(Object.entries(requests).filter(([, { selection }]) => selection === undefined))(
      `after a gradient in ${of}: %s`,
      async ([, request]) => {
        await setting();
        const backend = await create();
        const before = await counts();
        const { output, gradient } = await attention(backend, { ...request, gradient: true });
        await gradient({ ...output, data: output.data.map(() => 1) });
        expect(await counts()).toEqual(before);
      },
    );
  }

  test('after a projection, its gradient and its weights', async () => {
    const { backend } = await setting();
    const before = await counts();
    const kernel = await backend.linear!.compile({
      inputDim: 8,
      outputDim: 3,
      bias: true,
      activation: 'gelu',
      gradient: true,
    });
    const weights = await kernel.pack({ weight: numbers(1, 3, 8), bias: numbers(2, 3) });
    const input = numbers(3, 2, 5, 8);
    const { output } = await kernel.run({ input, weights });
    await kernel.gradient({ input, weights }, { dOutput: output });
    weights.dispose();
    expect(await counts()).toEqual(before);
  });

  test('after an abort between two tiles', async () => {
    await setting();
    const backend = await tfjsNodeProvider({ limits: SMALL_TILES }).create();
    const before = await counts();
    const abort = new AbortController();
    const run = attention(backend, requests['everything']!, { signal: abort.signal });
    setImmediate(() => abort.abort(new Error('enough')));
    await expect(run).rejects.toThrow('enough');
    expect(await counts()).toEqual(before);
  });

  test('after an error of the engine', async () => {
    const { tf, backend } = await setting();
    const { problem } = resolveRequest(requests['dense']!);
    const kernel: AttentionKernel = await backend.compile(problem);
    const query = backend.wrap(tf.zeros([2, 4, 9, 8]));
    const before = await counts();
    backend.unwrap(query).dispose();
    await expect(kernel.run({ ...requests['dense']!, query } as never)).rejects.toMatchObject({
      code: 'ENGINE',
    });
    expect((await counts()).numTensors).toBe(before.numTensors - 1);
  });

  test('resident results are the only ones, until they are disposed', async () => {
    const { backend } = await setting();
    const before = await counts();
    const asked = { weights: false, logSumExp: false, statistics: true } as const;
    const request = { ...requests['everything']!, ...asked };
    const { output, statistics } = await attention(backend, request, { resident: true });
    expect((await counts()).numTensors).toBe(before.numTensors + 3);
    for (const resident of [output, statistics.rowMax, statistics.rowSum]) resident.dispose();
    expect(await counts()).toEqual(before);
  });

  test('resident results outlive the scope that they were made in', async () => {
    const { tf, backend } = await setting();
    tf.engine().startScope();
    const pending = attention(backend, requests['dense']!, { resident: true });
    tf.engine().endScope();
    const { output } = await pending;
    expect((await output.read()).data.every(Number.isFinite)).toBe(true);
    output.dispose();
  });

  test('resident tensors that are dropped are freed when they are collected', async () => {
    const { backend } = await setting();
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const before = await counts();
    const drop = async (): Promise<void> => {
      for (let n = 0; n < 20; n++) await backend.upload(numbers(n, 4, 4));
      await attention(backend, requests['dense']!, { resident: true });
    };
    await drop();
    expect((await counts()).numTensors).toBeGreaterThan(before.numTensors);
    for (let n = 0; n < 100 && (await counts()).numTensors > before.numTensors; n++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      collect();
    }
    expect(await counts()).toEqual(before);
  });
});
