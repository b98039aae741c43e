import { type Tensor, tensor } from '@heed/core';
import { Embedding, type FloatTensor } from '@heed/layers';

/** float32 zeros. */
export function zeros(shape: readonly number[]): FloatTensor {
  return tensor(new Float32Array(shape.reduce((size, length) => size * length, 1)), shape);
}

/** The elementwise sum. */
export function plus(a: FloatTensor, b: FloatTensor): FloatTensor {
  const data = a.data.slice();
  for (let n = 0; n < data.length; n++) data[n] += b.data[n];
  return { ...a, data };
}

export function reshape(value: FloatTensor, shape: readonly number[]): FloatTensor {
  return { ...value, shape: [...shape] };
}

/** int32 ids of a shape, for an embedding or as targets. */
export function idsOf(ids: ArrayLike<number>, shape: readonly number[]): Tensor<'int32'> {
  return tensor(Int32Array.from(ids), shape);
}

/** Index of the largest number of each row: the answer of a model. */
export function answersOf({ data, shape }: FloatTensor): Int32Array {
  const width = shape.at(-1)!;
  return Int32Array.from({ length: data.length / width }, (_, row) => {
    const scores = data.subarray(row * width, (row + 1) * width);
    return scores.indexOf(Math.max(...scores));
  });
}

/** An embedding whose rows are uniform within ±1 at first. */
export function uniformEmbedding(count: number, embedDim: number, random: () => number): Embedding {
  const embedding = new Embedding({ count, embedDim, random: () => 0 });
  const { data } = embedding.parameters['weight'];
  for (let n = 0; n < data.length; n++) data[n] = 2 * random() - 1;
  return embedding;
}
