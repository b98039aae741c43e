import { attention, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import { numbers, onTensorflow } from '../test/on-tensorflow.ts';

/** tfjs-node's backend, as far as a test looks into it. */
interface NodeBackend {
  readonly binding: { readonly TF_Version: string };
  executeSingleOutput(operation: string, ...rest: unknown[]): unknown;
}

onTensorflow('the native library', (setting) => {
  const nodeBackend = async (): Promise<NodeBackend> =>
    (await setting()).tf.findBackend('tensorflow') as unknown as NodeBackend;

  test('is what device reports', async () => {
    const { backend } = await setting();
    const { binding } = await nodeBackend();
    expect(binding.TF_Version).toMatch(/^2\./);
    expect(backend.device).toBe(`tensorflow ${binding.TF_Version} (libtensorflow, cpu)`);
  });

  test("does the work, also where another of tfjs's backends is the current one", async () => {
    const { tf, backend } = await setting();
    const native = await nodeBackend();
    const operations: string[] = [];
    const { executeSingleOutput } = native;
    native.executeSingleOutput = (operation, ...rest) => {
      operations.push(operation);
      return executeSingleOutput.call(native, operation, ...rest);
    };
    await tf.setBackend('cpu');
    try {
      const x = numbers(1, 1, 2, 5, 4);
      await attention(backend, { query: x, key: x, value: x });
      expect(tf.getBackend()).toBe('cpu');
      expect(operations.filter((name) => name.startsWith('BatchMatMul'))).toHaveLength(2);
      expect(operations).toContain('Softmax');
    } finally {
      native.executeSingleOutput = executeSingleOutput;
      await tf.setBackend('tensorflow');
    }
  });

  test('refuses float64, in words', async () => {
    const { backend } = await setting();
    await expect(backend.upload(tensor(new Float64Array(1), [1]))).rejects.toMatchObject({ code: 'DTYPE' });
  });
});
