import { type Tensor, attention, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import { expect, test } from 'vitest';
import { numbers, onTensorflow } from '../test/on-tensorflow.ts';

const LENGTH = 200;

onTensorflow('scores that are small enough to do without their maximum', (setting) => {
  /** The operations that a run takes, and its error. */
  async function run(
    query: Tensor<'float32'>,
    options: { causal?: true } = {},
  ): Promise<{ operations: string[]; error: number }> {
    const { tf, backend } = await setting();
    const length = query.shape[2]!;
    const [key, value] = [numbers(2, 1, 2, length, 16), numbers(3, 1, 2, length, 16)];
    const request = { query, key, value, ...options };
    const operations: string[] = [];
    const native = tf.findBackend('tensorflow') as unknown as {
      executeSingleOutput(operation: string, ...rest: unknown[]): unknown;
    };
    const { executeSingleOutput } = native;
    native.executeSingleOutput = (operation, ...rest) => {
      operations.push(operation);
      return executeSingleOutput.call(native, operation, ...rest);
    };
    const { output } = await attention(backend, request).finally(() => {
      native.executeSingleOutput = executeSingleOutput;
    });
    const expected = await attention(await reference.create(), request);
    const errors = Float64Array.from(output.data, (number, n) => Math.abs(number - expected.output.data[n]!));
    return { operations, error: Math.max(...errors) };
  }

  test.for([1, 5, 20, 1000])('the longest query × %s gives the same attention', async (factor) => {
    const query = numbers(1, 1, 2, LENGTH, 16);
    query.data.subarray(0, 16).forEach((number, n) => (query.data[n] = factor * number));
    const { operations, error } = await run(query);
    expect(error).toBeLessThan(2e-6);
    // |q| |k| / 4 is about 2 for a factor of 1.
    expect(operations.includes('Softmax')).toBe(factor > 10);
  });

  // 600 rows are three tiles: all of small scores, or one of rows of both kinds.
  test.for([1, 1000])('causal, the longest query × %s', async (factor) => {
    const query = numbers(1, 1, 2, 600, 16);
    query.data.subarray(300 * 16, 301 * 16).forEach((number, n) => {
      query.data[300 * 16 + n] = factor * number;
    });
    const { operations, error } = await run(query, { causal: true });
    expect(error).toBeLessThan(2e-6);
    expect(operations.filter((name) => name === 'Softmax')).toHaveLength(factor > 1 ? 1 : 0);
  });

  test('ALiBi makes them large', async () => {
    const { backend } = await setting();
    const x = numbers(1, 1, 2, LENGTH, 16);
    const request = { query: x, key: x, value: x, alibiSlopes: tensor(new Float32Array([-1, 5]), [2]) };
    const [ours, expected] = [
      await attention(backend, request),
      await attention(await reference.create(), request),
    ];
    for (const [n, number] of ours.output.data.entries()) {
      // Scores near 200 have 17 bits left behind the point in float32; exp of them would overflow.
      expect(Math.abs(number - expected.output.data[n]!)).toBeLessThan(1e-4);
    }
  });

  test('NaN is not small', async () => {
    const query = numbers(1, 1, 2, LENGTH, 16);
    query.data[3] = NaN;
    const { operations } = await run(query);
    expect(operations).toContain('Softmax');
  });
});
