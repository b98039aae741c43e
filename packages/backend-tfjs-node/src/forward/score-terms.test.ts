import { attention, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import { expect, test } from 'vitest';
import { onTensorflow } from '../test/on-tensorflow.ts';

onTensorflow('ALiBi', (setting) => {
  // Keys 1, 3 and 5 are at distances that float32 has, from positions that it has not.
  test.for([2 ** 25 + 1, 7 - 2 ** 25])('from position %i has the distance exactly', async (offset) => {
    const { backend } = await setting();
    const numbers = (number: (n: number) => number) =>
      tensor(
        Float32Array.from({ length: 6 }, (_, n) => number(n)),
        [1, 1, 6, 1],
      );
    const request = {
      query: tensor(new Float32Array(1), [1, 1, 1, 1]),
      key: numbers(() => 0),
      value: numbers((n) => n + 1),
      mask: tensor(Uint8Array.of(0, 1, 0, 1, 0, 1), [6]),
      alibiSlopes: tensor(Float32Array.of(1), [1]),
      alignment: { offset },
    };
    const { output } = await attention(backend, request);
    const expected = await attention(await reference.create(), request);
    expect(output.data[0]).toBeCloseTo(expected.output.data[0]!, 5);
  });
});
