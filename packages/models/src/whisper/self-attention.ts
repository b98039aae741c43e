import {
  type AttentionBackend,
  type ResidentTensor,
  type RunOptions,
  type Tensor,
  attention,
} from '@heed/core';
import { exchangeHeadsAndLength, zeros } from '@heed/core/backend';
import { MultiHeadAttention, type StateDict } from '@heed/layers';
import { Projection } from '../engine/projection.ts';

type Float32 = Tensor<'float32'>;

/** Keys and values of a layer's tokens, `[1, H, capacity, D]` each, in the backend's memory. */
export interface LayerCache extends Readonly<Record<'key' | 'value', ResidentTensor>> {
  /** The number of tokens that are kept. */
  length: number;
}

/** Causal attention of a text to itself; query, key and value are one projection. */
export class SelfAttention {
  readonly #heads: number;
  readonly #headDim: number;
  readonly #input: Projection;
  readonly #output: Projection;

  /** @throws HeedError what loading throws. */
  constructor(width: number, heads: number, stateDict: StateDict) {
    this.#heads = heads;
    this.#headDim = width / heads;
    const loaded = new MultiHeadAttention({ embedDim: width, heads, random: () => 0 });
    loaded.loadStateDict(stateDict);
    const { parameters } = loaded;
    const stack = (part: string): Float32 => {
      const tensors = ['query', 'key', 'value'].map((name) => parameters[`${name}.${part}`]);
      const stacked = zeros('float32', [3 * width, ...tensors[0].shape.slice(1)]);
      tensors.forEach(({ data }, n) => stacked.data.set(data, n * data.length));
      return stacked;
    };
    this.#input = new Projection({ weight: stack('weight'), bias: stack('bias') });
    this.#output = new Projection({ weight: parameters['output.weight'], bias: parameters['output.bias'] });
  }

  /** An empty cache. */
  async cache(backend: AttentionBackend, capacity: number): Promise<LayerCache> {
    const shape = [1, this.#heads, capacity, this.#headDim];
    const key = await backend.allocate('float32', shape);
    try {
      return { key, value: await backend.allocate('float32', shape), length: 0 };
    } catch (error) {
      key.dispose();
      throw error;
    }
  }

  /**
   * `[1, L, E]` → `[1, L, E]`.
   *
   * @param cache of the tokens so far, which these follow and join.
   * @returns `weights` `[1, H, L, L]`, if they are asked for and there is no cache.
   */
  async forward(
    backend: AttentionBackend,
    input: Float32,
    cache: LayerCache | null,
    weights: boolean,
    run: RunOptions,
  ): Promise<{ readonly output: Float32; readonly weights: Float32 | null }> {
    const [query, key, value] = this.#split(await this.#input.forward(backend, input, run));
    const asks = weights && cache === null;
    let request: Parameters<typeof attention>[1] = { query, key, value, causal: true, weights: asks };
    if (cache !== null) {
      const at = { axis: 2, start: cache.length };
      await Promise.all([cache.key.write(key, at), cache.value.write(value, at)]);
      cache.length += input.shape[1];
      const { key: keys, value: values, length } = cache;
      request = {
        query,
        key: keys,
        value: values,
        causal: true,
        alignment: 'bottomRight',
        keyLengths: [length],
      };
    }
    const results = (await attention(backend, request, run)) as {
      readonly output: Float32;
      readonly weights?: Float32;
    };
    const joined = { ...exchangeHeadsAndLength(results.output), shape: [...input.shape] } as Float32;
    return {
      output: await this.#output.forward(backend, joined, run),
      weights: results.weights ?? null,
    };
  }

  /** `[1, L, 3 · E]` → three of `[1, H, L, D]`. */
  #split({ shape, data }: Float32): [Float32, Float32, Float32] {
    const [, length] = shape as [number, number];
    const [heads, headDim] = [this.#heads, this.#headDim];
    const width = heads * headDim;
    const part = (n: number): Float32 => {
      const result = zeros('float32', [1, heads, length, headDim]);
      for (let i = 0; i < length; i++) {
        for (let h = 0; h < heads; h++) {
          const from = i * 3 * width + n * width + h * headDim;
          result.data.set(data.subarray(from, from + headDim), (h * length + i) * headDim);
        }
      }
      return result;
    };
    return [part(0), part(1), part(2)];
  }
}
