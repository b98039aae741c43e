import { type AttentionBackend, tensor } from '@heed/core';
import {
  activate,
  activationGradient,
  AdditiveAttention,
  collectParameters,
  crossEntropy,
  type FloatTensor,
  Linear,
  type NamedTensors,
} from '@heed/layers';
import { answersOf, idsOf, plus, reshape, zeros, uniformEmbedding } from '../tensors.ts';
import { BAND_COUNT, FRAMES, NOTES } from './sounds.ts';

const WIDTH = 24;
const HIDDEN = 24;

/** Combines the rows of a sound's frames into one row. */
interface Pooling {
  readonly parameters: NamedTensors;
  forward(
    backend: AttentionBackend,
    frames: FloatTensor,
  ): Promise<{
    readonly output: FloatTensor;
    readonly weights?: FloatTensor;
    gradient(
      dOutput: FloatTensor,
    ): Promise<{ readonly dFrames: FloatTensor; readonly parameters: NamedTensors }>;
  }>;
}

/** Additive attention by one learned query. */
function attending(random: () => number): Pooling {
  const query = uniformEmbedding(1, WIDTH, random);
  const attention = new AdditiveAttention({ queryDim: WIDTH, keyDim: WIDTH, attentionDim: HIDDEN, random });
  return {
    parameters: collectParameters({ query, attention }),
    async forward(backend, frames) {
      const [batch] = frames.shape;
      const ids = idsOf(new Int32Array(batch), [batch, 1]);
      const inputs = { query: query.forward(ids), key: frames };
      const options = { weights: true, gradient: true } as const;
      const { output, weights, gradient } = await attention.forward(backend, inputs, options);
      return {
        output,
        weights,
        async gradient(dOutput) {
          const { dQuery, dKey, parameters } = await gradient(dOutput);
          return {
            dFrames: dKey,
            parameters: collectParameters({ query: query.gradient(ids, dQuery), attention: parameters }),
          };
        },
      };
    },
  };
}

/** The mean of the frames, and a hidden layer with as many parameters as attention has. */
function averaging(random: () => number): Pooling {
  const widen = new Linear({ inputDim: WIDTH, outputDim: HIDDEN, random });
  const narrow = new Linear({ inputDim: HIDDEN, outputDim: WIDTH, random });
  return {
    parameters: collectParameters({ widen, narrow }),
    async forward(_, frames) {
      const mean = meanOfFrames(frames);
      const hidden = activate('relu', widen.forward(mean));
      return {
        output: plus(mean, narrow.forward(hidden)),
        async gradient(dOutput) {
          const fromNarrow = narrow.gradient(hidden, dOutput);
          const fromWiden = widen.gradient(mean, activationGradient('relu', hidden, fromNarrow.dInput));
          return {
            dFrames: spread(plus(dOutput, fromWiden.dInput), frames.shape),
            parameters: collectParameters({ widen: fromWiden, narrow: fromNarrow }),
          };
        },
      };
    },
  };
}

function meanOfFrames({ data, shape: [batch, frames, width] }: FloatTensor): FloatTensor {
  const mean = zeros([batch, 1, width]);
  for (let n = 0; n < data.length; n++)
    mean.data[Math.floor(n / (frames * width)) * width + (n % width)] += data[n] / frames;
  return mean;
}

function spread({ data }: FloatTensor, [batch, frames, width]: readonly number[]): FloatTensor {
  const result = zeros([batch, frames, width]);
  for (let n = 0; n < result.data.length; n++) {
    result.data[n] = data[Math.floor(n / (frames * width)) * width + (n % width)] / frames;
  }
  return result;
}

/** Hears spectra `[B, 32, 24]` and names the note of the bell. */
export class Listener {
  readonly parameters: NamedTensors;
  readonly #frame: Linear;
  readonly #pooling: Pooling;
  readonly #answer: Linear;

  constructor(withAttention: boolean, random: () => number) {
    this.#frame = new Linear({ inputDim: BAND_COUNT, outputDim: WIDTH, random });
    this.#pooling = withAttention ? attending(random) : averaging(random);
    this.#answer = new Linear({ inputDim: WIDTH, outputDim: NOTES.length, random });
    this.parameters = collectParameters({ frame: this.#frame, pooling: this.#pooling, answer: this.#answer });
  }

  async gradient(
    backend: AttentionBackend,
    spectra: Float32Array,
    notes: readonly number[],
  ): Promise<NamedTensors> {
    const pass = await this.#forward(backend, spectra);
    return pass.gradient(crossEntropy(pass.logits, idsOf(notes, [notes.length])).dLogits);
  }

  /** Names the note of each sound, with the weights of its frames, `[B, 1, 1, 32]`, if it has any. */
  async listen(
    backend: AttentionBackend,
    spectra: Float32Array,
  ): Promise<{ readonly notes: Int32Array; readonly weights: FloatTensor | null }> {
    const { logits, weights } = await this.#forward(backend, spectra);
    return { notes: answersOf(logits), weights };
  }

  async #forward(
    backend: AttentionBackend,
    spectra: Float32Array,
  ): Promise<{
    readonly logits: FloatTensor;
    readonly weights: FloatTensor | null;
    gradient(dLogits: FloatTensor): Promise<NamedTensors>;
  }> {
    const input = tensor(spectra, [spectra.length / (FRAMES * BAND_COUNT), FRAMES, BAND_COUNT]);
    const frames = this.#frame.forward(input);
    const pooled = await this.#pooling.forward(backend, frames);
    const batch = input.shape[0];
    return {
      logits: reshape(this.#answer.forward(pooled.output), [batch, NOTES.length]),
      weights: pooled.weights ?? null,
      gradient: async (dLogits) => {
        const answer = this.#answer.gradient(pooled.output, reshape(dLogits, [batch, 1, NOTES.length]));
        const pooling = await pooled.gradient(answer.dInput);
        const frame = this.#frame.gradient(input, pooling.dFrames);
        return collectParameters({ frame, pooling, answer });
      },
    };
  }
}
