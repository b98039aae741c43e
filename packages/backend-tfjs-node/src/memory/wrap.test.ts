import { attention, resolveRequest, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import { numbers, onTensorflow } from '../test/on-tensorflow.ts';

onTensorflow('tensors of TensorFlow.js', (setting) => {
  test('go in and come out without a copy', async () => {
    const { tf, backend } = await setting();
    const tensors = [1, 2, 3].map((seed) => tf.randomNormal([1, 2, 5, 4], 0, 1, 'float32', seed));
    const [query, key, value] = tensors.map((each) => backend.wrap(each)) as [never, never, never];
    expect(backend.unwrap(query)).toBe(tensors[0]);

    const buffers = tf.memory().numDataBuffers;
    const { problem, inputs } = resolveRequest({ query, key, value });
    const kernel = await backend.compile(problem);
    const { output } = await kernel.run(inputs, { resident: true });
    expect(tf.memory().numDataBuffers).toBe(buffers + 1);

    const native = backend.unwrap(output!);
    expect(native.shape).toEqual([1, 2, 5, 4]);
    const byHand = tf.tidy(() => {
      const scores = tf.matMul(tf.mul(tensors[0]!, 0.5), tensors[1]!, false, true);
      return tf.matMul(tf.softmax(scores), tensors[2]!);
    });
    const error = tf.tidy(() => tf.max(tf.abs(tf.sub(native, byHand))).dataSync()[0]);
    expect(error).toBeLessThan(1e-6);
    tf.dispose([native, byHand, tensors]);
  });

  test('belong to the resident tensor: its dispose() frees them, a clone stays', async () => {
    const { tf, backend } = await setting();
    const given = tf.tensor2d([[1, 2]]);
    const kept = given.clone();
    const resident = backend.wrap(given);
    resident.dispose();
    expect(given.isDisposed).toBe(true);
    expect([...kept.dataSync()]).toEqual([1, 2]);
    expect(() => backend.unwrap(resident)).toThrowError(expect.objectContaining({ code: 'DISPOSED' }));
    kept.dispose();
  });

  test('are never written to: a write replaces the tensor, the old one is freed', async () => {
    const { tf, backend } = await setting();
    const given = tf.zeros([1, 1, 3, 2]);
    const clone = given.clone();
    const resident = backend.wrap(given);
    await resident.write(tensor(new Float32Array([5, 6]), [1, 1, 1, 2]), { axis: 2, start: 1 });
    expect([...(await resident.read()).data]).toEqual([0, 0, 5, 6, 0, 0]);
    expect([...clone.dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(given.isDisposed).toBe(true);
    tf.dispose(clone);
    resident.dispose();
  });

  test('read() never hands out the array of the tensor', async () => {
    const { tf, backend } = await setting();
    const array = new Float32Array([1, 2]);
    const resident = backend.wrap(tf.tensor1d(array));
    (await resident.read()).data.fill(0);
    expect([...array]).toEqual([1, 2]);
    resident.dispose();
  });

  test('of other kinds, disposed ones, and anything else are refused', async () => {
    const { tf, backend } = await setting();
    const disposed = tf.scalar(1);
    disposed.dispose();
    const text = tf.tensor1d(['a']);
    for (const value of [disposed, text, numbers(1, 2), null, 7]) {
      expect(() => backend.wrap(value as never)).toThrowError(expect.objectContaining({ code: 'ARGUMENT' }));
    }
    text.dispose();
  });

  test('a variable that changes is seen with its new numbers', async () => {
    const { tf, backend } = await setting();
    const variable = tf.variable(tf.ones([1, 1, 2, 2]));
    const x = backend.wrap(variable);
    const first = await attention(backend, { query: x, key: x, value: x });
    variable.assign(tf.fill([1, 1, 2, 2], NaN));
    const second = await attention(backend, { query: x, key: x, value: x, causal: true });
    expect([...first.output.data]).toEqual([1, 1, 1, 1]);
    expect(second.output.data.every(Number.isNaN)).toBe(true);
    tf.dispose(variable);
  });
});
