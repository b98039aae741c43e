import { type AttentionBackend, type RunOptions, type Tensor, attention } from '@heed/core';
import { exchangeHeadsAndLength, zeros } from '@heed/core/backend';
import { Linear, MultiHeadAttention, RMSNorm, type FloatTensor, type StateDict, rotate } from '@heed/layers';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { firstKeys, putHeads, takeHeads } from '../inside/heads.ts';
import type { Hooks } from '../inside/hooks.ts';
import type { DecoderCache, LayerMemory } from './cache.ts';

type Float32 = Tensor<'float32'>;

/** The tokens of a run: text b has `counts[b]` of them, which follow the `cache.lengths[b]` that it had. */
export interface Step {
  readonly backend: AttentionBackend;
  readonly cache: DecoderCache;
  readonly counts: readonly number[];
  /** int32 `[B, L]`. */
  readonly positions: Tensor<'int32'>;
  readonly hooks: Hooks;
  readonly run: RunOptions;
}

/** The self-attention of a decoder's layer, whose parts can be captured and changed between the projections. */
export class DecoderAttention {
  readonly #config: DecoderConfig;
  readonly #layer: number;
  readonly #project: Readonly<Record<'query' | 'key' | 'value' | 'output', Linear>>;
  readonly #norms: Readonly<Record<'query' | 'key', RMSNorm>> | null;

  /** @throws HeedError what loading throws. */
  constructor(config: DecoderConfig, layer: number, stateDict: StateDict) {
    this.#config = config;
    this.#layer = layer;
    const { width, heads, kvHeads, headDim, bias, kind, epsilon } = config;
    const { input, output } = bias;
    // Used for loading, since it knows how each family names and stacks projections; its forward pass has no captures.
    const loaded = new MultiHeadAttention({
      embedDim: width,
      heads,
      kvHeads,
      headDim,
      bias: { query: input, key: input, value: input, output },
      ...(kind === 'qwen3' && { queryKeyNorm: { epsilon } }),
      random: () => 0,
    });
    loaded.loadStateDict(stateDict);
    const linear = (name: string): Linear => linearOf(loaded.parameters, name);
    this.#project = {
      query: linear('query'),
      key: linear('key'),
      value: linear('value'),
      output: linear('output'),
    };
    const norm = (name: string): RMSNorm => {
      const made = new RMSNorm({ embedDim: headDim, epsilon });
      made.loadStateDict({ weight: loaded.parameters[`${name}Norm.weight`] });
      return made;
    };
    this.#norms = kind === 'qwen3' ? { query: norm('query'), key: norm('key') } : null;
  }

  /** `[B, L, E]` → `[B, L, E]`. */
  async forward(input: FloatTensor, step: Step): Promise<FloatTensor> {
    const { kvHeads, heads } = this.#config;
    const query = this.#heads('query', input, step);
    const key = this.#heads('key', input, step);
    const value = this.#heads('value', input, step);
    const group = heads / kvHeads;
    const ofGroup = (head: number): number => Math.floor(head / group);
    this.#capture(step, 'query', (asked) => takeHeads(query, asked));
    this.#capture(step, 'key', (asked) => takeHeads(key, asked.map(ofGroup)));
    this.#capture(step, 'value', (asked) => takeHeads(value, asked.map(ofGroup)));
    const memory = await step.cache.append(this.#layer, key, value);
    const request = { ...this.#scope(step), query, ...memory };
    const output = (await attention(step.backend, request, step.run)).output as Float32;
    await this.#changeOutput(output, memory, step);
    await this.#captureWeights(query, memory, step);
    this.#capture(step, 'output', (asked) => takeHeads(output, asked));
    const [batch, length] = input.shape;
    const joined = exchangeHeadsAndLength(output);
    return this.#project.output.forward({
      ...joined,
      shape: [batch, length, heads * this.#config.headDim],
    } as FloatTensor);
  }

  /** `[B, L, E]` → `[B, H, L, D]`, normalized and rotated as far as the model does. */
  #heads(name: 'query' | 'key' | 'value', input: FloatTensor, { positions }: Step): Float32 {
    const { heads, kvHeads, headDim, rotary } = this.#config;
    const [batch, length] = input.shape;
    const shape = [batch, length, name === 'query' ? heads : kvHeads, headDim];
    let result: FloatTensor = { ...this.#project[name].forward(input), shape };
    if (name !== 'value') {
      if (this.#norms !== null) result = this.#norms[name].forward(result);
      if (rotary !== null) result = rotate(result, rotary, { positions });
    }
    return exchangeHeadsAndLength(result) as Float32;
  }

  /** Limits of a step: query i of text b follows the tokens that the text already had. */
  #scope({ cache, counts }: Step): object {
    const { lengths } = cache;
    return {
      causal: true,
      alignment: { offset: lengths },
      keyLengths: lengths.map((length, b) => length + counts[b]),
    };
  }

  #capture(
    step: Step,
    what: 'query' | 'key' | 'value' | 'output',
    part: (heads: readonly number[]) => Float32,
  ): void {
    const asked = step.hooks.headsOf(this.#layer, what);
    step.hooks.capture(this.#layer, what, () => part(asked), takeHeads);
  }

  /** Computes weights of the requested heads only: all weights of a long text are large. */
  async #captureWeights(query: Float32, memory: LayerMemory, step: Step): Promise<void> {
    const { hooks, backend, cache, counts, run } = step;
    const asked = hooks.headsOf(this.#layer, 'weights');
    if (asked.length === 0) return;
    const { heads, kvHeads } = this.#config;
    const groups = asked.map((head) => Math.floor((head * kvHeads) / heads));
    const key = await memory.key.gather(groups, { axis: 1 });
    try {
      const request = { ...this.#scope(step), query: takeHeads(query, asked), key, value: key };
      const results = await attention(backend, { ...request, output: false, weights: true }, run);
      const keys = Math.max(...cache.lengths.map((length, b) => length + counts[b]));
      const weights = firstKeys(results.weights as Float32, keys);
      for (const { heads: changed, value } of hooks.changesOf(this.#layer, 'weights')) {
        const places = changed.flatMap((head, n) => (asked.includes(head) ? [[asked.indexOf(head), n]] : []));
        const replaced = takeHeads(
          value!,
          places.map(([, n]) => n),
        );
        putHeads(
          weights,
          places.map(([place]) => place),
          replaced,
        );
      }
      hooks.capture(this.#layer, 'weights', () => weights, takeHeads);
    } finally {
      key.dispose();
    }
  }

  async #changeOutput(output: Float32, memory: LayerMemory, step: Step): Promise<void> {
    const { hooks } = step;
    for (const { heads, value } of hooks.changesOf(this.#layer, 'weights')) {
      putHeads(output, heads, await this.#weighted(value!, heads, memory));
    }
    for (const { heads, value } of hooks.changesOf(this.#layer, 'output')) putHeads(output, heads, value!);
    const [batch, , length, headDim] = output.shape;
    for (const { heads } of hooks.changesOf(this.#layer, 'off')) {
      putHeads(output, heads, zeros('float32', [batch, heads.length, length, headDim]));
    }
  }

  /** Given weights `[B, n, Lq, Lk]` times the values that the cache has: `[B, n, Lq, D]`. */
  async #weighted(weights: Float32, heads: readonly number[], memory: LayerMemory): Promise<Float32> {
    const [batch, , queries, keys] = weights.shape;
    const { headDim, kvHeads, heads: all } = this.#config;
    const values = (await memory.value.read({ axis: 2, start: 0, length: keys })) as Float32;
    const output = zeros('float32', [batch, heads.length, queries, headDim]);
    const product = new Linear({ inputDim: keys, outputDim: headDim, bias: false, random: () => 0 });
    const transposed = product.parameters['weight'].data;
    for (let n = 0; n < batch * heads.length; n++) {
      const [b, head] = [Math.floor(n / heads.length), heads[n % heads.length]];
      const from = (b * kvHeads + Math.floor((head * kvHeads) / all)) * keys * headDim;
      for (let j = 0; j < keys; j++) {
        for (let d = 0; d < headDim; d++) transposed[d * keys + j] = values.data[from + j * headDim + d];
      }
      const rows = weights.data.subarray(n * queries * keys, (n + 1) * queries * keys);
      output.data.set(product.forward({ data: rows, shape: [queries, keys] }).data, n * queries * headDim);
    }
    return output;
  }
}

/** A projection of its parameters under a name. */
function linearOf(parameters: StateDict, name: string): Linear {
  const weight = parameters[`${name}.weight`];
  const bias = parameters[`${name}.bias`];
  const [outputDim, inputDim] = weight.shape as [number, number];
  const made = new Linear({ inputDim, outputDim, bias: bias !== undefined, random: () => 0 });
  made.loadStateDict({ weight, ...(bias && { bias }) });
  return made;
}
