import type { AttentionBackend } from '@heed/core';
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
import { answersOf, idsOf, plus, uniformEmbedding } from '../tensors.ts';
import { ITEMS, LENGTH } from './sessions.ts';

const WIDTH = 32;

/** Predicts the next item at every place of a session from the earlier ones: causal self-attention (SASRec, 2018). */
export class Recommender {
  readonly parameters: NamedTensors;
  readonly #items: Embedding;
  readonly #positions: Embedding;
  readonly #mixer: Mixer;
  readonly #hidden: Linear;
  readonly #answer: Linear;

  constructor(withAttention: boolean, random: () => number) {
    this.#items = uniformEmbedding(ITEMS.length, WIDTH, random);
    this.#positions = uniformEmbedding(LENGTH, WIDTH, random);
    this.#mixer = mixerOf(withAttention, { embedDim: WIDTH, heads: 2, random });
    this.#hidden = new Linear({ inputDim: WIDTH, outputDim: 2 * WIDTH, random });
    this.#answer = new Linear({ inputDim: 2 * WIDTH, outputDim: ITEMS.length, random });
    this.parameters = collectParameters({
      items: this.#items,
      positions: this.#positions,
      mixer: this.#mixer,
      hidden: this.#hidden,
      answer: this.#answer,
    });
  }

  async gradient(backend: AttentionBackend, sessions: readonly (readonly number[])[]): Promise<NamedTensors> {
    const pass = await this.#forward(backend, sessions);
    const next = sessions.flatMap((session) => session.slice(1));
    return pass.gradient(crossEntropy(pass.logits, idsOf(next, [sessions.length, LENGTH])).dLogits);
  }

  /** Returns the likeliest next item at each of `[B, L]` places, and the weights `[B, heads, L, L]`, if any. */
  async recommend(
    backend: AttentionBackend,
    sessions: readonly (readonly number[])[],
  ): Promise<{ readonly next: Int32Array; readonly weights: FloatTensor | null }> {
    const { logits, weights } = await this.#forward(backend, sessions);
    return { next: answersOf(logits), weights };
  }

  async #forward(
    backend: AttentionBackend,
    sessions: readonly (readonly number[])[],
  ): Promise<{
    readonly logits: FloatTensor;
    readonly weights: FloatTensor | null;
    gradient(dLogits: FloatTensor): Promise<NamedTensors>;
  }> {
    const seen = sessions.flatMap((session) => session.slice(0, LENGTH));
    const shape = [sessions.length, LENGTH];
    const ids = idsOf(seen, shape);
    const places = idsOf(
      seen.map((_, n) => n % LENGTH),
      shape,
    );
    const query = plus(this.#items.forward(ids), this.#positions.forward(places));
    const mixed = await this.#mixer.forward(
      backend,
      { query, causal: true },
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
        return collectParameters({
          items: this.#items.gradient(ids, dQuery),
          positions: this.#positions.gradient(places, dQuery),
          mixer: mixer.parameters,
          hidden: wide.parameters,
          answer: answer.parameters,
        });
      },
    };
  }
}
