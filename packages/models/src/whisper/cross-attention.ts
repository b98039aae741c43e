import {
  type AttentionBackend,
  type ResidentTensor,
  type RunOptions,
  type Tensor,
  attention,
  isResident,
} from '@heed/core';
import { exchangeHeadsAndLength } from '@heed/core/backend';
import { MultiHeadAttention, type StateDict } from '@heed/layers';
import { Projection } from '../engine/projection.ts';

type Float32 = Tensor<'float32'>;
type Layout = 'bhld' | 'blhd';

/** Keys and values of a window in the backend's memory. */
export interface WindowMemory {
  readonly key: ResidentTensor;
  readonly value: ResidentTensor;
  /** `[B, Lk, H, D]`, as projections give them, where the backend takes that; else `[B, H, Lk, D]`. */
  readonly layout: Layout;
}

/** Attention of a text to a sound, whose keys and values are computed once for each window. */
export class CrossAttention {
  readonly #count: number;
  readonly #headDim: number;
  readonly #project: Readonly<Record<'query' | 'key' | 'value' | 'output', Projection>>;

  /** @throws HeedError what loading throws. */
  constructor(width: number, heads: number, stateDict: StateDict) {
    this.#count = heads;
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
  async memory(
    backend: AttentionBackend,
    encoded: Float32 | ResidentTensor<'float32'>,
    run: RunOptions,
  ): Promise<WindowMemory> {
    const layout = layoutOf(backend);
    const key = await this.#keep('key', layout, backend, encoded, run);
    try {
      return { key, value: await this.#keep('value', layout, backend, encoded, run), layout };
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
    const projected = await this.#project.query.forward(backend, input, run);
    const query = ordered(this.#heads(projected), memory.layout);
    const results = await attention(backend, { ...memory, query, weights }, run);
    const joined = ordered(results.output as Float32, memory.layout);
    const shape = [...input.shape];
    return {
      output: await this.#project.output.forward(backend, { ...joined, shape } as Float32, run),
      weights: weights ? (results.weights as Float32) : null,
    };
  }

  async #keep(
    name: 'key' | 'value',
    layout: Layout,
    backend: AttentionBackend,
    encoded: Float32 | ResidentTensor<'float32'>,
    run: RunOptions,
  ): Promise<ResidentTensor> {
    const projected = await this.#project[name].stay(backend, encoded, run);
    if (!isResident(projected)) return backend.upload(ordered(this.#heads(projected), layout));
    try {
      if (layout === 'blhd') return projected.view(this.#shape(projected));
      return await backend.upload(ordered(this.#heads(await projected.read()), layout));
    } finally {
      projected.dispose();
    }
  }

  #shape({ shape }: { readonly shape: readonly number[] }): readonly number[] {
    return [...shape.slice(0, -1), this.#count, this.#headDim];
  }

  /** `[B, L, E]` → `[B, L, H, D]`. */
  #heads(projected: Float32): Float32 {
    return { ...projected, shape: this.#shape(projected) };
  }
}

/** The layout that takes a projection as it is, where the backend has it. */
function layoutOf({ linear, capabilities }: AttentionBackend): Layout {
  return linear !== undefined && capabilities.features.includes('layout.blhd') ? 'blhd' : 'bhld';
}

/** Exchanges heads and length, for a backend that has the heads first. */
function ordered(tensor: Float32, layout: Layout): Float32 {
  return layout === 'blhd' ? tensor : (exchangeHeadsAndLength(tensor) as Float32);
}
