import { type AttentionBackend, attention, quantize, tensor } from '@heed/core';
import { rotaryTable } from '@heed/core/operations';
import { describe, expect, test } from 'vitest';
import { createBackend } from '../backend.ts';
import native from '../index.ts';
import { numbers } from '../test/long-run.ts';
import type { Binding } from './binding.ts';
import { loadBinding } from './load.ts';

// A worker that is terminated in mid-call answers no more: every later read of the native file fails. Getters that throw do the same.

const { available } = await native.probe();

const unanswered = new Error('unanswered');

/** Reads of values inside arguments: from `answered` on, they fail. */
class Reads {
  readonly #answered: number;
  count = 0;

  constructor(answered: number) {
    this.#answered = answered;
  }

  /** The same value, the reads of whose plain objects and arrays are counted. */
  counted(value: unknown): unknown {
    const prototype = typeof value === 'object' && value !== null && Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== Array.prototype) return value;
    const copy = Array.isArray(value) ? [] : {};
    for (const [name, inside] of Object.entries(value as object)) {
      const get = (): unknown => {
        if (this.count++ >= this.#answered) throw unanswered;
        return this.counted(inside);
      };
      Object.defineProperty(copy, name, { get, enumerable: true });
    }
    return copy;
  }

  /** The functions of a binding, with counted arguments. */
  of(binding: Binding): Binding {
    const functions = Object.entries(binding).map(([name, value]: [string, unknown]) => {
      if (typeof value !== 'function') return [name, value];
      return [name, (...given: unknown[]): unknown => value(...given.map((one) => this.counted(one)))];
    });
    return Object.fromEntries(functions) as Binding;
  }
}

const x = numbers(1, 1, 4, 8, 64);
const rows = numbers(2, 6, 64);
const results = numbers(3, 6, 32);
const weight = numbers(4, 64, 64);

const uses: Record<string, (backend: AttentionBackend) => Promise<unknown>> = {
  attention: (backend) =>
    attention(backend, {
      query: x,
      key: x,
      value: x,
      window: { left: 3, right: 2 },
      softcap: 9,
      bias: numbers(5, 8, 8),
    }),
  'attention over an int8 cache': async (backend) => {
    const { numbers: cache, scales } = quantize(x, 'int8');
    return attention(backend, { query: x, key: cache, value: cache, keyScales: scales, valueScales: scales });
  },
  'the gradient of attention': async (backend) => {
    const request = { query: x, key: x, value: x, gradient: true } as const;
    const { gradient } = await attention(backend, request);
    return gradient(x);
  },
  'a linear projection and its gradient': async (backend) => {
    const problem = {
      inputDim: 64,
      outputDim: 32,
      gate: true,
      activation: 'silu',
      argument: true,
      gradient: true,
    } as const;
    const kernel = await backend.linear!.compile(problem);
    const weights = await kernel.pack({ weight });
    const { output, argument } = await kernel.run({ input: rows, weights });
    return { output, ...(await kernel.gradient({ input: rows, weights }, { dOutput: results, argument })) };
  },
  'a linear projection of float16': async (backend) => {
    const kernel = await backend.linear!.compile({ inputDim: 64, outputDim: 64, weightType: 'float16' });
    const half = {
      dtype: 'float16',
      shape: [64, 64],
      data: Uint16Array.from({ length: 64 * 64 }, (_, n) => n),
    } as const;
    return kernel.run({ input: rows, weights: await kernel.pack({ weight: half }) });
  },
  norm: async (backend) => {
    const kernel = await backend.norm!.compile({ kind: 'layer', width: 64, bias: true, gradient: true });
    const inputs = { input: rows, weight: numbers(5, 64), bias: numbers(6, 64) };
    return { ...(await kernel.run(inputs)), ...(await kernel.gradient(inputs, { dOutput: rows })) };
  },
  rotary: async (backend) => {
    const kernel = await backend.rotary!.compile({ headDim: 64 });
    const positions = tensor(Int32Array.of(0, 1, 2, 3), [4]);
    return kernel.run({
      input: x,
      ...rotaryTable({ positions, frequencies: Array(32).fill(0.5) as number[] }),
    });
  },
  embedding: async (backend) => {
    const kernel = await backend.embedding!.compile({ count: 64, width: 64 });
    return kernel.run({ indices: tensor(Int32Array.of(3, 1), [2]), weight });
  },
  'dropout of elements': async (backend) => {
    const kernel = await backend.elementDropout!.compile({ probability: 0.5 });
    return kernel.run({ input: rows, seed: 3 });
  },
};

describe.runIf(available)('where JavaScript stops answering', () => {
  test.each(Object.entries(uses))('%s: whichever read fails, the call fails', async (_, use) => {
    const loaded = loadBinding();
    if ('reason' in loaded) throw new Error(loaded.reason);
    const { binding } = loaded;
    const expected = await use(createBackend(binding, binding.createTeam(0, 1), 'all read'));
    let failed = 0;
    for (;;) {
      const reads = new Reads(failed);
      const backend = createBackend(reads.of(binding), binding.createTeam(0, 1), 'partly read');
      const [outcome] = await Promise.allSettled([use(backend)]);
      if (outcome.status === 'fulfilled') {
        expect(outcome.value).toEqual(expected);
        break;
      }
      const { reason } = outcome as { reason: Error };
      expect(reason === unanswered || reason.cause === unanswered, String(reason)).toBe(true);
      failed++;
    }
    expect(failed).toBeGreaterThan(2);
  });
});
