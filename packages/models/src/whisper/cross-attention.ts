import {
  type AttentionBackend,
  type ResidentTensor,
  type RunOptions,
  type Tensor,
  attention,
} from '@heed/core';
import { exchangeHeadsAndLength } from '@heed/core/backend';
import { MultiHeadAttention, type StateDict } from '@heed/layers';
import { Projection } from '../engine/projection.ts';

type Float32 = Tensor<'float32'>;

/** Keys and values of a window in the backend's memory, `[B, H, Lk, D]`. */
export type WindowMemory = Readonly<Record<'key' | 'value', ResidentTensor>>;

/** Attention of a text to a sound, whose keys and values are computed once for each window. */
export class CrossAttention {
  readonly #heads: number;
  readonly #headDim: number;
  readonly #project: Readonly<Record<'query' | 'key' | 'value' | 'output', Projection>>;

  /** @throws HeedError what loading throws. */
  constructor(width: number, heads: number, stateDict: StateDict) {
    this.#heads = heads;
    this.#headDim = width / heads;
    const loaded = new MultiHeadAttention({ embedDim: width, heads, random: () => 0 });
    loaded.loadStateDict(stateDict);
    const projection = (name: string): Projection =>
      new Projection({
        weight: loaded.parameters[`${name}.weight`],
        bias: loaded.parameters[`${name}.bias`],
      });
    this.#project = {
      query: projection('query'),
      key: projection('key'),
      value: projection('value'),
      output: projection('output'),
    };
  }

  /** @param encoded `[B, Lk, E]`. */
  async memory(backend: AttentionBackend, encoded: Float32, run: RunOptions): Promise<WindowMemory> {
    const key = await this.#keep(backend, await this.#project.key.forward(backend, encoded, run));
    try {
      return {
        key,
        value: await this.#keep(backend, await this.#project.value.forward(backend, encoded, run)),
      };
    } catch (error) {
      key.dispose();
      throw error;
    }
  }

  /**
   * `[B, L, E]` → `[B, L, E]`.
   *
   * @returns `weights` `[B, H, L, Lk]` if they are asked for.
   */
  async forward(
    backend: AttentionBackend,
    input: Float32,
    memory: WindowMemory,
    weights: boolean,
    run: RunOptions,
  ): Promise<{ readonly output: Float32; readonly weights: Float32 | null }> {
    const query = await this.#project.query.forward(backend, input, run);
    const request = { ...memory, query: this.#split(query), weights };
    const results = await attention(backend, request, run);
    const joined = exchangeHeadsAndLength(results.output as Float32);
    return {
      output: await this.#project.output.forward(
        backend,
        { ...joined, shape: [...input.shape] } as Float32,
        run,
      ),
      weights: weights ? (results.weights as Float32) : null,
    };
  }

  #keep(backend: AttentionBackend, projected: Float32): Promise<ResidentTensor> {
    return backend.upload(this.#split(projected));
  }

  /** `[B, L, E]` → `[B, H, L, D]`. */
  #split({ shape, data }: Float32): Float32 {
    const [batch, length] = shape as [number, number];
    const heads = { dtype: 'float32', shape: [batch, length, this.#heads, this.#headDim], data } as const;
    return exchangeHeadsAndLength(heads as Float32) as Float32;
  }
}
