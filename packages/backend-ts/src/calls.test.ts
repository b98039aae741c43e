import {
  type AttentionRequest,
  type AttentionResults,
  type Layout,
  type Tensor,
  attention,
  resolveRequest,
  tensor,
} from '@heed/core';
import { describe, expect, test } from 'vitest';
import { forward } from './forward/forward.ts';
import { createHeap } from './memory/heap.ts';
import ts from './index.ts';
import { forwardLayout } from './plan/layout.ts';

function waves(shape: readonly number[], phase: number): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, n) => 2 * Math.sin(1.7 * n + phase)),
    shape,
  );
}

/** Two heads on one key head, three tiles of keys. */
function request(queryLength: number, keyLength = 300): Record<'query' | 'key' | 'value', Tensor> {
  return {
    query: waves([1, 2, queryLength, 19], 0),
    key: waves([1, 1, keyLength, 19], 1),
    value: waves([1, 1, keyLength, 13], 2),
  };
}

/** Rows from … to − 1 of a tensor `[1, H, L, D]`. */
function rows({ shape, data }: Tensor, from: number, to: number): Tensor {
  const [, heads, length, depth] = shape as [number, number, number, number];
  const parts = Array.from({ length: heads }, (_, h) => [
    ...data.subarray((h * length + from) * depth, (h * length + to) * depth),
  ]);
  return tensor(Float32Array.from(parts.flat()), [1, heads, to - from, depth]);
}

/** `[1, H, L, D]` as `[1, L, H, D]`, and back. */
function transposed({ shape, data }: Tensor): Tensor {
  const [, a, b, depth] = shape as [number, number, number, number];
  const result = new Float32Array(data.length);
  for (let i = 0; i < a * b; i++) {
    const to = (i % b) * a + Math.floor(i / b);
    result.set(data.subarray(i * depth, (i + 1) * depth) as Float32Array, to * depth);
  }
  return tensor(result, [1, b, a, depth]);
}

describe('bits', () => {
  test('are the same for one row read directly and for many rows packed', async () => {
    const backend = await ts.create();
    const whole = request(9);
    const { output } = await attention(backend, whole);
    for (let i = 0; i < 9; i++) {
      const one = await attention(backend, { ...whole, query: rows(whole.query, i, i + 1) });
      expect(one.output.data).toEqual(rows(output, i, i + 1).data);
    }
  });

  test('are the same in both layouts', async () => {
    const backend = await ts.create();
    const { query, key, value } = request(33);
    const layout: Layout = 'blhd';
    const { output } = await attention(backend, { query, key, value });
    const other = await attention(backend, {
      query: transposed(query),
      key: transposed(key),
      value: transposed(value),
      layout,
    });
    expect(transposed(other.output).data).toEqual(output.data);
  });

  test('are the same when calls take turns tile by tile', () => {
    const start = (given: AttentionRequest): Generator<void, AttentionResults, void> => {
      const { problem, inputs } = resolveRequest(given);
      const layout = forwardLayout(problem);
      return forward(problem, inputs as never, createHeap(layout.length), layout);
    };
    const finish = (call: Generator<void, AttentionResults, void>): AttentionResults => {
      for (;;) {
        const step = call.next();
        if (step.done) return step.value;
      }
    };
    const requests = [request(150), request(2), request(70, 500)];
    const alone = requests.map((given) => finish(start(given)));

    const calls = requests.map(start);
    for (let step = 0; step < 3; step++) calls.forEach((call) => call.next());
    expect(calls.map(finish)).toEqual(alone);
  });
});

describe('scratch', () => {
  const planOf = async (keyLength: number, gradient: boolean): Promise<number> => {
    const backend = await ts.create();
    const { problem } = resolveRequest({ ...request(512, keyLength), gradient });
    const { plan } = await backend.compile(problem);
    return plan.scratchBytes;
  };

  test('does not grow with the number of keys', async () => {
    expect(await planOf(65_536, false)).toBe(await planOf(512, false));
  });

  test('of the gradient grows with the number of keys, not with its product with that of queries', async () => {
    const perKey = ((await planOf(65_536, true)) - (await planOf(32_768, true))) / 32_768;
    // Two numbers for each of 64 rows, and the sums of one key and one value.
    expect(perKey).toBeLessThan(8 * (2 * 64 * 1.05 + 19 + 13));
  });
});
