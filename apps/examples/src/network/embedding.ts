import type { FloatTensor, NamedTensors } from '@heed/layers';
import { zeros } from './tensors.ts';

/** A row of numbers for each of N things: words, characters, positions, items. */
export class Embedding {
  readonly parameters: NamedTensors;

  constructor(count: number, width: number, random: () => number) {
    const weight = zeros([count, width]);
    for (let n = 0; n < weight.data.length; n++) weight.data[n] = 2 * random() - 1;
    this.parameters = { weight };
  }

  /** Ids in row-major order of `shape` → `[…shape, E]`. An id below 0 has zeros. */
  forward(ids: ArrayLike<number>, shape: readonly number[]): FloatTensor {
    const { weight } = this.parameters;
    const width = weight.shape[1];
    const output = zeros([...shape, width]);
    for (let n = 0; n < ids.length; n++) {
      if (ids[n] >= 0) output.data.set(weight.data.subarray(ids[n] * width, (ids[n] + 1) * width), n * width);
    }
    return output;
  }

  gradient(ids: ArrayLike<number>, dOutput: FloatTensor): NamedTensors {
    const dWeight = zeros(this.parameters['weight'].shape);
    const width = dWeight.shape[1];
    for (let n = 0; n < ids.length; n++) {
      if (ids[n] < 0) continue;
      for (let e = 0; e < width; e++) dWeight.data[ids[n] * width + e] += dOutput.data[n * width + e];
    }
    return { weight: dWeight };
  }
}
