import ts from '@heed/backend-ts';
import { type BackendProvider, HeedError, problemOf } from '@heed/core';
import reference, { referenceForward } from '@heed/core/reference';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Workload, requestOf, workload } from '../workload.ts';
import { backendContestant } from './backend.ts';
import { contestantNamed, peers } from './by-name.ts';
import { tfjsCpu } from './tfjs-cpu.ts';
import { tripleLoop } from './triple-loop.ts';

const workloads: readonly Workload[] = [
  workload({ length: 33, heads: 2 }),
  workload({ length: 20, batch: 2, heads: 3, headDim: 7, valueDim: 5 }),
  workload({ length: 33, heads: 2, causal: true }),
  workload({ length: 33, heads: 2, window: { left: 5, right: 2 } }),
  workload({ length: 33, heads: 2, window: { left: null, right: 3 } }),
  workload({ length: 33, queryLength: 1, heads: 8, kvHeads: 2, causal: true }),
  workload({
    length: 33,
    queryLength: 9,
    heads: 4,
    kvHeads: 2,
    batch: 2,
    causal: true,
    alignment: 'topLeft',
  }),
];

const contestants = [tripleLoop, tfjsCpu, backendContestant(reference), backendContestant(ts)];

describe.each(contestants)('$name', (contestant) => {
  test('can run here, and says on what', async () => {
    expect(await contestant.probe()).toEqual({ available: true });
    const prepared = await contestant.prepare(workloads[0]!, requestOf(workloads[0]!));
    expect(prepared.device).toMatch(/JavaScript/);
    await prepared.dispose();
  });

  test.each(workloads)(
    'agrees with the reference on $name, twice, and leaves its inputs alone',
    async (of) => {
      const request = requestOf(of);
      const { problem, inputs } = problemOf(request);
      const expected = referenceForward(problem, inputs as never).output;
      const prepared = await contestant.prepare(of, request);
      for (let run = 0; run < 2; run++) {
        const output = await prepared.run();
        expect(output.shape).toEqual(expected.shape);
        const errors = Array.from(expected.data, (right, at) => Math.abs(right - output.data[at]!));
        expect(Math.max(...errors)).toBeLessThan(2e-6);
      }
      await prepared.dispose();
      expect(request).toEqual(requestOf(of));
    },
  );
});

describe('tfjsCpu', () => {
  test('frees every tensor', async () => {
    const tf = await import('@tensorflow/tfjs-core');
    const before = tf.memory().numTensors;
    const of = workload({ length: 8, heads: 2, causal: true });
    const prepared = await tfjsCpu.prepare(of, requestOf(of));
    await prepared.run();
    await prepared.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('contestantNamed', () => {
  afterEach(() => vi.doUnmock('@tensorflow/tfjs-backend-cpu'));

  test.each(peers)('finds the peer $name', (peer) => {
    expect(contestantNamed(peer.name)).toBe(peer);
  });

  test('takes a module whose default export is a provider', async () => {
    const contestant = contestantNamed('@heed/core/reference');
    expect(contestant.name).toBe('@heed/core/reference');
    expect(await contestant.probe()).toEqual({ available: true });
  });

  test('says what to install of a package that is not there', async () => {
    expect(await contestantNamed('@heed/backend-abacus').probe()).toMatchObject({
      available: false,
      remedy: 'npm install @heed/backend-abacus',
    });
  });

  test('says what to install of a peer that is not there', async () => {
    vi.resetModules();
    vi.doMock('@tensorflow/tfjs-backend-cpu', () => {
      throw new Error('not installed');
    });
    const { tfjsCpu: withoutEngine } = await import('./tfjs-cpu.ts');
    expect(await withoutEngine.probe()).toMatchObject({
      available: false,
      remedy: 'npm install @tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu',
    });
  });
});

describe('backendContestant', () => {
  test('gives the provider its options, and says the threads that they ask for', async () => {
    const create = vi.fn<BackendProvider<{ threads: number }>['create']>(() => reference.create());
    const provider: BackendProvider<{ threads: number }> = { ...reference, create };
    const contestant = backendContestant(provider, { name: 'two', create: { threads: 2 }, threads: 2 });
    const prepared = await contestant.prepare(workloads[0]!, requestOf(workloads[0]!));
    expect(contestant.name).toBe('two');
    expect(prepared.threads).toBe(2);
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
    const prepared = backendContestant(provider).prepare(workloads[0]!, requestOf(workloads[0]!));
    await expect(prepared).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    expect(dispose).toHaveBeenCalledOnce();
  });

  test('a provider of another contract is refused', async () => {
    const provider = { ...reference, contract: 2 } as unknown as BackendProvider;
    await expect(backendContestant(provider).probe()).rejects.toMatchObject({ code: 'CONTRACT_VERSION' });
  });
});
