import { type AttentionBackend, tensor } from '@heed/core';
import {
  activate,
  activationGradient,
  collectParameters,
  crossEntropy,
  type FloatTensor,
  Linear,
  type NamedTensors,
  SpatialAttention,
} from '@heed/layers';
import { Averaging } from '../comparison/averaging.ts';
import { answersOf, idsOf, reshape, uniformEmbedding } from '../tensors.ts';
import { GRID, KINDS, PATCH } from './pictures.ts';

const WIDTH = 32;

interface Look {
  /** `[B, 1, E]`. */
  readonly output: FloatTensor;
  /** `[B, 1, 1, 8, 8]`. */
  readonly weights?: FloatTensor;
  gradient(
    dOutput: FloatTensor,
  ): Promise<{ readonly dInput: FloatTensor; readonly parameters: NamedTensors }>;
}

interface Looking {
  readonly parameters: NamedTensors;
  look(backend: AttentionBackend, input: FloatTensor): Promise<Look>;
}

function attending(random: () => number): Looking {
  const grid = [GRID, GRID];
  const layer = new SpatialAttention({
    grid,
    channels: WIDTH,
    heads: 1,
    queries: { learned: 1 },
    random,
  });
  return {
    parameters: layer.parameters,
    look: (backend, input) => layer.forward(backend, { input }, { weights: true, gradient: true }),
  };
}

/** A learned query as well, and the mean of the picture. */
function averaging(random: () => number): Looking {
  const query = uniformEmbedding(1, WIDTH, random);
  const mean = new Averaging({ embedDim: WIDTH, random });
  return {
    parameters: collectParameters({ query, mean }),
    async look(backend, input) {
      const batch = input.shape[0];
      const ids = idsOf(new Int32Array(batch), [batch, 1]);
      const key = reshape(input, [batch, GRID * GRID, WIDTH]);
      const { output, gradient } = await mean.forward(backend, {
        query: query.forward(ids),
        key,
      });
      return {
        output,
        async gradient(dOutput) {
          const { dQuery, dKey, parameters } = await gradient(dOutput);
          return {
            dInput: reshape(dKey, input.shape),
            parameters: collectParameters({ query: query.gradient(ids, dQuery), mean: parameters }),
          };
        },
      };
    },
  };
}

/** Tells the kind of the spot in a scan. */
export class Reader {
  readonly parameters: NamedTensors;
  readonly #patch: Linear;
  readonly #looking: Looking;
  readonly #answer: Linear;

  constructor(withAttention: boolean, random: () => number) {
    this.#patch = new Linear({ inputDim: PATCH * PATCH, outputDim: WIDTH, random });
    this.#looking = withAttention ? attending(random) : averaging(random);
    this.#answer = new Linear({ inputDim: WIDTH, outputDim: KINDS.length, random });
    this.parameters = collectParameters({ patch: this.#patch, looking: this.#looking, answer: this.#answer });
  }

  async gradient(
    backend: AttentionBackend,
    patches: Float32Array,
    kinds: readonly number[],
  ): Promise<NamedTensors> {
    const pass = await this.#forward(backend, patches);
    return pass.gradient(crossEntropy(pass.logits, idsOf(kinds, [kinds.length])).dLogits);
  }

  /** Tells the kind of each picture's spot, with the map of weights, `[B, 1, 1, 8, 8]`, if any. */
  async read(
    backend: AttentionBackend,
    patches: Float32Array,
  ): Promise<{ readonly kinds: Int32Array; readonly weights: FloatTensor | null }> {
    const { logits, weights } = await this.#forward(backend, patches);
    return { kinds: answersOf(logits), weights };
  }

  async #forward(
    backend: AttentionBackend,
    patches: Float32Array,
  ): Promise<{
    readonly logits: FloatTensor;
    readonly weights: FloatTensor | null;
    gradient(dLogits: FloatTensor): Promise<NamedTensors>;
  }> {
    const area = PATCH * PATCH;
    const batch = patches.length / (GRID * GRID * area);
    const input = tensor(patches, [batch, GRID, GRID, area]);
    const seen = activate('relu', this.#patch.forward(input));
    const { output, weights = null, gradient } = await this.#looking.look(backend, seen);
    return {
      logits: reshape(this.#answer.forward(output), [batch, KINDS.length]),
      weights,
      gradient: async (dLogits) => {
        const answer = this.#answer.gradient(output, reshape(dLogits, [batch, 1, KINDS.length]));
        const looking = await gradient(answer.dInput);
        const patch = this.#patch.gradient(input, activationGradient('relu', seen, looking.dInput));
        return collectParameters({ patch, looking, answer });
      },
    };
  }
}
