import { type AttentionBackend, tensor } from '@heed/core';
import {
  activate,
  activationGradient,
  collectParameters,
  crossEntropy,
  type Embedding,
  type FloatTensor,
  Linear,
  type NamedTensors,
} from '@heed/layers';
import { type Mixer, mixerOf } from '../comparison/mixer.ts';
import { answersOf, idsOf, plus, reshape, uniformEmbedding } from '../tensors.ts';
import { type Pair, SOURCE_CHARACTERS, TARGET_CHARACTERS } from './dates.ts';

const WIDTH = 48;
const CHARACTER_WIDTH = 16;
/** Number of neighbors on either side that are read with a character. */
const NEIGHBORS = 2;
const LONGEST = 28;
const TARGET_LENGTH = 10;
/** Token that stands for the previous character at the start. */
const START = TARGET_CHARACTERS.length;

interface Batch {
  readonly size: number;
  readonly length: number;
  /** `[B, L, 5]`: each character with its neighbors; −1 outside. */
  readonly windows: Int32Array;
  readonly mask: Uint8Array;
}

/**
 * Translates character by character: the source is read in windows, and each step of the decoder, knowing the previous
 * character and its own position, queries the source by cross-attention. Without attention it is given
 * the mean of the source.
 */
export class Translator {
  readonly parameters: NamedTensors;
  readonly #characters: Embedding;
  readonly #sourcePositions: Embedding;
  readonly #reader: Linear;
  readonly #previous: Embedding;
  readonly #targetPositions: Embedding;
  readonly #mixer: Mixer;
  readonly #hidden: Linear;
  readonly #answer: Linear;

  constructor(withAttention: boolean, random: () => number) {
    const window = CHARACTER_WIDTH * (2 * NEIGHBORS + 1);
    this.#characters = uniformEmbedding(SOURCE_CHARACTERS.length, CHARACTER_WIDTH, random);
    this.#sourcePositions = uniformEmbedding(LONGEST, WIDTH, random);
    this.#reader = new Linear({ inputDim: window, outputDim: WIDTH, random });
    this.#previous = uniformEmbedding(TARGET_CHARACTERS.length + 1, WIDTH, random);
    this.#targetPositions = uniformEmbedding(TARGET_LENGTH, WIDTH, random);
    this.#mixer = mixerOf(withAttention, { embedDim: WIDTH, heads: 4, random });
    this.#hidden = new Linear({ inputDim: WIDTH, outputDim: 2 * WIDTH, random });
    this.#answer = new Linear({ inputDim: 2 * WIDTH, outputDim: TARGET_CHARACTERS.length, random });
    this.parameters = collectParameters({
      characters: this.#characters,
      sourcePositions: this.#sourcePositions,
      reader: this.#reader,
      previous: this.#previous,
      targetPositions: this.#targetPositions,
      mixer: this.#mixer,
      hidden: this.#hidden,
      answer: this.#answer,
    });
  }

  /** The mean loss of a batch of known translations, and its gradient for every parameter. */
  async gradient(backend: AttentionBackend, pairs: readonly Pair[]): Promise<NamedTensors> {
    const batch = batchOf(pairs.map(({ source }) => source));
    const targets = pairs.flatMap(({ target }) => [...target].map((c) => TARGET_CHARACTERS.indexOf(c)));
    const pass = await this.#forward(backend, batch, previousOf(targets));
    const target = idsOf(targets, [pairs.length, TARGET_LENGTH]);
    return pass.gradient(crossEntropy(pass.logits, target).dLogits);
  }

  /** Translates without knowing any of the answer. */
  async translate(backend: AttentionBackend, sources: readonly string[]): Promise<string[]> {
    const batch = batchOf(sources);
    const answers = new Int32Array(sources.length * TARGET_LENGTH);
    for (let step = 0; step < TARGET_LENGTH; step++) {
      const { logits } = await this.#forward(backend, batch, previousOf(answers));
      const next = answersOf(logits);
      for (let n = step; n < answers.length; n += TARGET_LENGTH) answers[n] = next[n];
    }
    const characters = Array.from(answers, (answer) => TARGET_CHARACTERS[answer]);
    return sources.map((_, b) => characters.slice(b * TARGET_LENGTH, (b + 1) * TARGET_LENGTH).join(''));
  }

  /** Weights of each character of a translation, `[1, heads, 10, L]`. Null without attention. */
  async weights(backend: AttentionBackend, { source, target }: Pair): Promise<FloatTensor | null> {
    const targets = [...target].map((c) => TARGET_CHARACTERS.indexOf(c));
    return (await this.#forward(backend, batchOf([source]), previousOf(targets))).weights;
  }

  async #forward(
    backend: AttentionBackend,
    { size, length, windows, mask }: Batch,
    previous: readonly number[],
  ): Promise<{
    readonly logits: FloatTensor;
    readonly weights: FloatTensor | null;
    gradient(dLogits: FloatTensor): Promise<NamedTensors>;
  }> {
    const shape = [size, TARGET_LENGTH];
    const sourcePositions = idsOf(
      Array.from(mask, (_, n) => n % length),
      [size, length],
    );
    const targetPositions = idsOf(
      previous.map((_, n) => n % TARGET_LENGTH),
      shape,
    );
    const before = idsOf(previous, shape);
    const window = idsOf(windows, [size, length, windows.length / (size * length)]);
    const characters = this.#characters.forward(window);
    const flat = reshape(characters, [size, length, this.#reader.parameters['weight'].shape[1]]);
    const read = activate('relu', this.#reader.forward(flat));
    const key = plus(read, this.#sourcePositions.forward(sourcePositions));
    const query = plus(this.#previous.forward(before), this.#targetPositions.forward(targetPositions));
    const mixed = await this.#mixer.forward(
      backend,
      { query, key, keyMask: tensor(mask, [size, length]) },
      { weights: true, gradient: true },
    );
    const state = plus(query, mixed.output);
    const hidden = activate('relu', this.#hidden.forward(state));
    return {
      logits: this.#answer.forward(hidden),
      weights: mixed.weights ?? null,
      gradient: async (dLogits) => {
        const answer = this.#answer.gradient(hidden, dLogits);
        const wide = this.#hidden.gradient(state, activationGradient('relu', hidden, answer.dInput));
        const mixer = await mixed.gradient(wide.dInput);
        const dQuery = plus(wide.dInput, mixer.dQuery);
        const reader = this.#reader.gradient(flat, activationGradient('relu', read, mixer.dKey!));
        return collectParameters({
          characters: this.#characters.gradient(window, reshape(reader.dInput, characters.shape)),
          sourcePositions: this.#sourcePositions.gradient(sourcePositions, mixer.dKey!),
          reader: reader.parameters,
          previous: this.#previous.gradient(before, dQuery),
          targetPositions: this.#targetPositions.gradient(targetPositions, dQuery),
          mixer: mixer.parameters,
          hidden: wide.parameters,
          answer: answer.parameters,
        });
      },
    };
  }
}

/** Returns the token before each character of the targets. */
function previousOf(targets: ArrayLike<number>): number[] {
  return Array.from(targets, (_, n) => (n % TARGET_LENGTH === 0 ? START : targets[n - 1]));
}

function batchOf(sources: readonly string[]): Batch {
  const size = sources.length;
  const length = Math.max(...sources.map((source) => source.length));
  const span = 2 * NEIGHBORS + 1;
  const windows = new Int32Array(size * length * span).fill(-1);
  const mask = new Uint8Array(size * length);
  sources.forEach((source, b) => {
    for (let i = 0; i < source.length; i++) {
      mask[b * length + i] = 1;
      for (let n = 0; n < span; n++) {
        const character = source[i + n - NEIGHBORS];
        if (character !== undefined)
          windows[(b * length + i) * span + n] = SOURCE_CHARACTERS.indexOf(character);
      }
    }
  });
  return { size, length, windows, mask };
}
