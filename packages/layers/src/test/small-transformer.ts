import { type AttentionBackend, type ComputeDType, type Tensor, tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import {
  Adam,
  Embedding,
  LayerNorm,
  Linear,
  type NamedTensors,
  TransformerBlock,
  collectParameters,
  crossEntropy,
} from '../index.ts';
import { type FloatTensor, sum } from '../tensors.ts';

/** Sizes of a training run, as `scripts/dump_training.py` has them. */
export interface TrainingSize {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly length: number;
  readonly batch: number;
  /** V, the number of different tokens. */
  readonly words: number;
}

/** Numbers in [0, 1) by a hash of their index (MurmurHash3's finalizer), the same in Python. */
export function noise(count: number, stream: number): Float64Array {
  return Float64Array.from({ length: count }, (_, n) => {
    let h = (n + Math.imul(stream, 0x9e3779b1)) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
    return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
  });
}

/** Tokens that follow one another at a distance of their own in each text, `[B, L + 1]`. */
export function tokensOf({ batch, length, words }: TrainingSize, step: number): Int32Array {
  const pairs = noise(2 * batch, 1000 + step);
  return Int32Array.from({ length: batch * (length + 1) }, (_, n) => {
    const [text, place] = [Math.floor(n / (length + 1)), n % (length + 1)];
    const start = Math.floor(pairs[2 * text]! * words);
    return (start + (1 + Math.floor(pairs[2 * text + 1]! * 5)) * place) % words;
  });
}

/** A small pre-norm transformer that predicts the next token. Everything is in float64 by default. */
export class SmallTransformer {
  readonly size: TrainingSize;
  readonly parameters: NamedTensors;
  readonly #words: Embedding;
  readonly #positions: Embedding;
  readonly #blocks: readonly TransformerBlock[];
  readonly #norm: LayerNorm;
  readonly #head: Linear;
  readonly #optimizer: Adam;

  constructor(size: TrainingSize, learningRate: number, dtype: ComputeDType = 'float64') {
    const { layers, width: embedDim, heads, length, words } = size;
    this.size = size;
    const made = { embedDim, dtype, random: () => 0 };
    this.#words = new Embedding({ count: words, ...made });
    this.#positions = new Embedding({ count: length, ...made });
    this.#blocks = Array.from({ length: layers }, () => new TransformerBlock({ ...made, heads }));
    this.#norm = new LayerNorm({ embedDim, dtype });
    this.#head = new Linear({ inputDim: embedDim, outputDim: words, bias: false, dtype, random: () => 0 });
    this.#optimizer = new Adam({ learningRate });
    this.parameters = collectParameters({
      words: this.#words,
      positions: this.#positions,
      ...Object.fromEntries(this.#blocks.map((block, n) => [String(n), block])),
      norm: this.#norm,
      head: this.#head,
    });
    this.#begin();
  }

  /** One step of training; returns the loss before it. */
  async step(backend: AttentionBackend, step: number): Promise<number> {
    const { batch, length } = this.size;
    const tokens = tokensOf(this.size, step);
    const part = (from: number): Tensor<'int32'> => {
      const data = new Int32Array(batch * length);
      for (let text = 0; text < batch; text++) {
        const begin = text * (length + 1) + from;
        data.set(tokens.subarray(begin, begin + length), text * length);
      }
      return tensor(data, [batch, length]);
    };
    const ids = part(0);
    const places = tensor(
      Int32Array.from(ids.data, (_, n) => n % length),
      [batch, length],
    );
    let x = sum(this.#words.forward(ids), this.#positions.forward(places));
    const backs: ((d: FloatTensor) => Promise<{ dInput: FloatTensor; parameters: NamedTensors }>)[] = [];
    for (const block of this.#blocks) {
      const { output, gradient } = await block.forward(
        backend,
        { input: x, causal: true },
        { gradient: true },
      );
      x = output;
      backs.push(gradient);
    }
    const normed = await this.#norm.forwardOn(backend, x, { gradient: true });
    const logits = await this.#head.forwardOn(backend, normed.output, { gradient: true });
    const { loss, dLogits } = crossEntropy(logits.output, part(1));
    const ofHead = await logits.gradient(dLogits);
    const ofNorm = await normed.gradient(ofHead.dInput);
    let d = ofNorm.dInput;
    let gradients: Readonly<Record<string, NamedTensors>> = {
      head: ofHead.parameters,
      norm: ofNorm.parameters,
    };
    const update = (): void => this.#optimizer.step(this.parameters, collectParameters(gradients));
    for (const [n, back] of [...backs.entries()].toReversed()) {
      const going = back(d);
      // While the engine computes: no gradient that is still to come needs these parameters.
      update();
      const { dInput, parameters } = await going;
      d = dInput;
      gradients = { [n]: parameters };
    }
    update();
    gradients = {
      words: this.#words.gradient(ids, d).parameters,
      positions: this.#positions.gradient(places, d).parameters,
    };
    update();
    return loss;
  }

  /** First weights, in the order of the script: gains of norms stay 1, biases 0. */
  #begin(): void {
    const blocks = this.#blocks.flatMap((_, n) =>
      ['query', 'key', 'value', 'output']
        .map((part) => `${n}.attention.${part}.weight`)
        .concat(`${n}.feedForward.up.weight`, `${n}.feedForward.down.weight`),
    );
    const names = ['words.weight', 'positions.weight', ...blocks, 'head.weight'];
    for (const [n, name] of names.entries()) {
      const { data, shape } = this.parameters[name];
      const limit = 1 / Math.sqrt(shape[1]);
      for (const [i, value] of noise(data.length, n + 1).entries()) data[i] = (2 * value - 1) * limit;
    }
    for (const [name, { data, dtype, shape }] of Object.entries(this.parameters)) {
      if (name.endsWith('bias')) data.set(zeros(dtype, shape).data);
    }
  }
}
