import { type FloatTensor, type NamedTensors } from '@heed/layers';
import { zeros } from './tensors.ts';

/** Rows scaled to mean 0 and variance 1, then y = x · weight + bias (Ba, Kiros and Hinton 2016). */
export class LayerNorm {
  readonly parameters: NamedTensors;
  readonly #epsilon: number;

  constructor(width: number, epsilon = 1e-5) {
    this.parameters = { weight: zeros([width]), bias: zeros([width]) };
    this.parameters['weight'].data.fill(1);
    this.#epsilon = epsilon;
  }

  /** `[…, E]` → `[…, E]`. */
  forward(input: FloatTensor): FloatTensor {
    const { weight, bias } = this.parameters;
    const output = zeros(input.shape);
    this.#forEachRow(input, (at, mean, inverse, width) => {
      for (let e = 0; e < width; e++) {
        output.data[at + e] = (input.data[at + e] - mean) * inverse * weight.data[e] + bias.data[e];
      }
    });
    return output;
  }

  gradient(input: FloatTensor, dOutput: FloatTensor): { dInput: FloatTensor; parameters: NamedTensors } {
    const { weight } = this.parameters;
    const dInput = zeros(input.shape);
    const dWeight = zeros(weight.shape);
    const dBias = zeros(weight.shape);
    this.#forEachRow(input, (at, mean, inverse, width) => {
      let sum = 0;
      let weighted = 0;
      for (let e = 0; e < width; e++) {
        const normal = (input.data[at + e] - mean) * inverse;
        const d = dOutput.data[at + e];
        dWeight.data[e] += d * normal;
        dBias.data[e] += d;
        sum += d * weight.data[e];
        weighted += d * weight.data[e] * normal;
      }
      for (let e = 0; e < width; e++) {
        const normal = (input.data[at + e] - mean) * inverse;
        const d = dOutput.data[at + e] * weight.data[e];
        dInput.data[at + e] = inverse * (d - (sum + normal * weighted) / width);
      }
    });
    return { dInput, parameters: { weight: dWeight, bias: dBias } };
  }

  #forEachRow(
    { data, shape }: FloatTensor,
    visit: (at: number, mean: number, inverse: number, width: number) => void,
  ): void {
    const width = shape.at(-1)!;
    for (let at = 0; at < data.length; at += width) {
      let sum = 0;
      for (let e = 0; e < width; e++) sum += data[at + e];
      const mean = sum / width;
      let squares = 0;
      for (let e = 0; e < width; e++) squares += (data[at + e] - mean) ** 2;
      visit(at, mean, 1 / Math.sqrt(squares / width + this.#epsilon), width);
    }
  }
}
