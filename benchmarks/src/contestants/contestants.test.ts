/** Every peer, in this process: the tests of this package run on the Node that contestants run on. */
import ts from '@heed/backend-ts';
import { type BackendProvider, HeedError } from '@heed/core';
import reference from '@heed/core/reference';
import { isRequired } from '@heed/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Contestant } from '../contestant.ts';
import { exerciseOf, faultOf } from '../workload/exercise.ts';
import { requestOf } from '../workload/request.ts';
import { type Workload, minilmWorkload, workload } from '../workload/workload.ts';
import { backendContestant, threadsIn } from './backend.ts';
import jaxJs from './jax-js.ts';
import onnxAttention from './onnxruntime-node-attention.ts';
import onnxMultiHead from './onnxruntime-node-mha.ts';
import onnxWeb from './onnxruntime-web.ts';
import pytorch from './pytorch.ts';
import tfjsCpu from './tfjs-cpu.ts';
import tfjsNode from './tfjs-node.ts';
import tfjsWasm from './tfjs-wasm.ts';
import tripleLoop from './triple-loop.ts';

const workloads: readonly Workload[] = [
  workload({ length: 33, heads: 2 }),
  workload({ length: 20, batch: 2, heads: 3, headDim: 7 }),
  workload({ length: 33, heads: 2, causal: true }),
  workload({ length: 33, heads: 2, window: { left: 5, right: 2 } }),
  workload({ length: 33, heads: 2, window: { left: null, right: 3 } }),
  workload({ length: 33, heads: 2, mask: true }),
  workload({ length: 33, queryLength: 1, heads: 8, kvHeads: 2, causal: true }),
  workload({ length: 33, queryLength: 9, heads: 4, batch: 2, causal: true, alignment: 'topLeft' }),
  workload({ length: 33, queryLength: 9, heads: 2, causal: true }),
  workload({ length: 12, heads: 2, gradient: true }),
  workload({ length: 12, heads: 2, causal: true, gradient: true }),
  minilmWorkload(0),
];

const settings = { threads: 2 };
const contestants: readonly Contestant[] = [
  tripleLoop,
  tfjsCpu,
  tfjsWasm,
  tfjsNode,
  onnxAttention,
  onnxMultiHead,
  onnxWeb,
  jaxJs,
  pytorch,
  backendContestant(reference),
  backendContestant(ts),
];

/** JavaScript package managers do not install it: its absence is never a failure. */
const GUEST = pytorch;

const REFUSALS: Readonly<Record<string, RegExp>> = {
  'triple loop': /gradient/,
  'onnxruntime-node Attention': /gradient/,
  'onnxruntime-node MultiHeadAttention': /gradient|kv2/,
  'onnxruntime-web': /gradient/,
};

// Other libraries define Worker, which Node does not have; jax-js would take it for a browser's.
beforeEach(() => void vi.stubGlobal('Worker', undefined));

const exercises = new Map(workloads.map((of) => [of, exerciseOf(of)]));

describe.each(contestants)('$name', (contestant) => {
  test.for(workloads)('is right on $name, twice, or refuses it', async (of, { skip }) => {
    const availability = await contestant.probe();
    const required = isRequired() && contestant !== GUEST;
    if (!availability.available && !required) skip(`${availability.reason} (${availability.remedy})`);
    expect(availability).toEqual({ available: true });

    const request = await requestOf(of);
    if (REFUSALS[contestant.name]?.test(of.name)) {
      await expect(contestant.prepare(of, request, settings)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
      return;
    }
    const prepared = await contestant.prepare(of, request, settings);
    expect(prepared.device.length).toBeGreaterThan(5);
    for (let run = 0; run < 2; run++) {
      await prepared.run();
      expect(await faultOf(exercises.get(of)!, await prepared.results())).toBeNull();
    }
    if (prepared.turn) expect((await prepared.turn(1)).length).toBeGreaterThan(0);
    await prepared.dispose();
    expect(request).toEqual(await requestOf(of));
  });
});

describe('tfjsCpu', () => {
  afterEach(() => vi.doUnmock('@tensorflow/tfjs-backend-cpu'));

  test('frees every tensor', async () => {
    const tf = await import('@tensorflow/tfjs-core');
    const before = tf.memory().numTensors;
    const of = workload({ length: 8, heads: 2, causal: true, gradient: true });
    const prepared = await tfjsCpu.prepare(of, await requestOf(of), settings);
    await prepared.run();
    await prepared.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('says what to install where it is not installed', async () => {
    vi.resetModules();
    vi.doMock('@tensorflow/tfjs-backend-cpu', () => {
      throw new Error('not installed');
    });
    const { default: withoutEngine } = await import('./tfjs-cpu.ts');
    expect(await withoutEngine.probe()).toMatchObject({
      available: false,
      remedy: 'npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu',
    });
  });
});

describe('backendContestant', () => {
  test('gives the provider the threads that are asked for', async () => {
    const create = vi.fn<BackendProvider['create']>(() => reference.create());
    const contestant = backendContestant({ ...reference, create }, { name: 'two' });
    const prepared = await contestant.prepare(workloads[0]!, await requestOf(workloads[0]!), settings);
    expect(contestant.name).toBe('two');
    expect(prepared.threads).toBe(1);
    expect(create).toHaveBeenCalledWith({ threads: 2 });
    await prepared.dispose();
  });

  test('disposes the backend that does not support the workload', async () => {
    const backend = await reference.create();
    const compile = vi
      .fn<typeof backend.compile>()
      .mockRejectedValue(new HeedError('UNSUPPORTED', 'not this one'));
    const dispose = vi.fn<() => Promise<void>>(() => backend.dispose());
    const provider = { ...reference, create: async () => ({ ...backend, compile, dispose }) };
    const prepared = backendContestant(provider).prepare(
      workloads[0]!,
      await requestOf(workloads[0]!),
      settings,
    );
    await expect(prepared).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(dispose).toHaveBeenCalledOnce();
  });

  test('a provider of another contract is refused', async () => {
    const provider = { ...reference, contract: 2 } as unknown as BackendProvider;
    await expect(backendContestant(provider).probe()).rejects.toMatchObject({ code: 'CONTRACT_VERSION' });
  });
});

test.each([
  ['JavaScript, one thread', 1],
  ['wasm simd128, 4 threads', 4],
  ['wasm simd128 ×2 threads', 2],
  ['WebGPU', null],
])('%s: %s', (device, threads) => {
  expect(threadsIn(device)).toBe(threads);
});
