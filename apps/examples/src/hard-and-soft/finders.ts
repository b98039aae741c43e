import { type AttentionBackend, attention } from '@heed/core';
import {
  activate,
  activationGradient,
  collectParameters,
  crossEntropy,
  type FloatTensor,
  HardAttention,
  Linear,
  type NamedTensors,
} from '@heed/layers';
import { answersOf, idsOf, reshape, zeros } from '../tensors.ts';
import { CLASSES, type Lookups, NAME_WIDTH } from './lookups.ts';

/** One value for each query, and the gradients of the parameters. */
interface Found {
  /** `[B, 1, 8]`. */
  readonly output: FloatTensor;
  /** Weights of soft attention, `[B, 1, 1, N]`. */
  readonly weights?: FloatTensor;
  /** @param losses B of them, for the kind that learns from rewards alone. */
  gradient(dOutput: FloatTensor, losses: Float64Array): Promise<NamedTensors>;
}

export interface Finder {
  readonly parameters: NamedTensors;
  /** @param step counts the calls of training; −1 afterwards, when nothing is left to chance. */
  find(backend: AttentionBackend, lookups: Lookups, step: number): Promise<Found>;
}

/** Soft attention: every value, weighted. */
export function soft(random: () => number): Finder {
  const make = (): Linear => new Linear({ inputDim: NAME_WIDTH, outputDim: NAME_WIDTH, bias: false, random });
  const [ofQuery, ofKey] = [make(), make()];
  const oneHead = (x: FloatTensor): FloatTensor => reshape(x, [x.shape[0], 1, x.shape[1], x.shape[2]]);
  return {
    parameters: collectParameters({ query: ofQuery, key: ofKey }),
    async find(backend, { query, key, value }) {
      const results = await attention(backend, {
        query: oneHead(ofQuery.forward(query)),
        key: oneHead(ofKey.forward(key)),
        value: oneHead(value),
        weights: true,
        gradient: true,
      });
      return {
        output: reshape(results.output, [query.shape[0], 1, CLASSES]),
        weights: results.weights,
        async gradient(dOutput) {
          const { dQuery, dKey } = await results.gradient(oneHead(dOutput));
          return collectParameters({
            query: ofQuery.gradient(query, reshape(dQuery, query.shape)),
            key: ofKey.gradient(key, reshape(dKey, key.shape)),
          });
        },
      };
    },
  };
}

const hardAttention = (random: () => number): HardAttention =>
  new HardAttention({ queryDim: NAME_WIDTH, keyDim: NAME_WIDTH, attentionDim: NAME_WIDTH, random });

/** Hard attention that learns as if it had been soft. */
export function straightThrough(random: () => number): Finder {
  const layer = hardAttention(random);
  return {
    parameters: layer.parameters,
    async find(backend, { query, key, value }) {
      const found = await layer.forward(backend, { query, key, value }, { selection: 'argmax' });
      return {
        output: found.output,
        gradient: async (dOutput) => (await found.straightThrough(dOutput)).parameters,
      };
    },
  };
}

/** Hard attention that tries keys at random, and learns from the rewards. */
export function reinforced(random: () => number): Finder {
  const layer = hardAttention(random);
  let usual = Math.log(CLASSES);
  return {
    parameters: layer.parameters,
    async find(backend, { query, key, value }, step) {
      const selection = step < 0 ? 'argmax' : 'sample';
      const found = await layer.forward(
        backend,
        { query, key, value },
        {
          selection,
          ...(selection === 'sample' && { seed: step }),
        },
      );
      return {
        output: found.output,
        async gradient(_, losses) {
          const dLogProbability = zeros([losses.length, 1]);
          losses.forEach((loss, b) => (dLogProbability.data[b] = (loss - usual) / losses.length));
          usual += 0.05 * (losses.reduce((sum, loss) => sum + loss, 0) / losses.length - usual);
          return (await found.reinforce(dLogProbability)).parameters;
        },
      };
    },
  };
}

/** No attention: the query and the mean of all values, through a hidden layer with as many parameters. */
export function averaging(random: () => number): Finder {
  const width = NAME_WIDTH + CLASSES;
  const widen = new Linear({ inputDim: width, outputDim: 16, bias: false, random });
  const narrow = new Linear({ inputDim: 16, outputDim: CLASSES, bias: false, random });
  return {
    parameters: collectParameters({ widen, narrow }),
    async find(_, { query, value }) {
      const [batch, rows] = value.shape;
      const input = zeros([batch, 1, width]);
      for (let b = 0; b < batch; b++) {
        input.data.set(query.data.subarray(b * NAME_WIDTH, (b + 1) * NAME_WIDTH), b * width);
        for (let n = 0; n < rows * CLASSES; n++) {
          input.data[b * width + NAME_WIDTH + (n % CLASSES)] += value.data[b * rows * CLASSES + n] / rows;
        }
      }
      const hidden = activate('relu', widen.forward(input));
      return {
        output: narrow.forward(hidden),
        async gradient(dOutput) {
          const fromNarrow = narrow.gradient(hidden, dOutput);
          const fromWiden = widen.gradient(input, activationGradient('relu', hidden, fromNarrow.dInput));
          return collectParameters({ widen: fromWiden, narrow: fromNarrow });
        },
      };
    },
  };
}

/** A finder, and the answer that it derives from the value that it found. */
export class Lookup {
  readonly parameters: NamedTensors;
  readonly #finder: Finder;
  readonly #answer: Linear;

  constructor(finder: (random: () => number) => Finder, random: () => number) {
    this.#finder = finder(random);
    this.#answer = new Linear({ inputDim: CLASSES, outputDim: CLASSES, random });
    this.parameters = collectParameters({ finder: this.#finder, answer: this.#answer });
  }

  async gradient(backend: AttentionBackend, lookups: Lookups, step: number): Promise<NamedTensors> {
    const found = await this.#finder.find(backend, lookups, step);
    const logits = this.#answer.forward(found.output);
    const { losses, dLogits } = crossEntropy(logits, idsOf(lookups.classes, [lookups.classes.length, 1]));
    const answer = this.#answer.gradient(found.output, dLogits);
    const finder = await found.gradient(answer.dInput, losses);
    return collectParameters({ finder, answer: answer.parameters });
  }

  async answers(
    backend: AttentionBackend,
    lookups: Lookups,
  ): Promise<{ readonly classes: Int32Array; readonly weights: FloatTensor | null }> {
    const { output, weights = null } = await this.#finder.find(backend, lookups, -1);
    return { classes: answersOf(this.#answer.forward(output)), weights };
  }
}
