import {
  type AttentionBackend,
  type ResidentTensor,
  type RunOptions,
  type Tensor,
  attention,
} from '@heed/core';
import { exchangeHeadsAndLength, zeros } from '@heed/core/backend';
import { Linear, MultiHeadAttention, RMSNorm } from '@heed/layers';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { firstKeys, putHeads, takeHeads } from '../inside/heads.ts';
import type { Hooks } from '../inside/hooks.ts';
import type { WeightReader } from '../weights/source.ts';
import { decoded } from '../weights/matrix.ts';
import type { DecoderCache } from './cache.ts';
import { type LayerMemory, valuesOf } from './memory.ts';
import { PagedRun } from './paged-run.ts';
import { Projection } from '../engine/projection.ts';
import { type Angles, rotateHalves } from './rotary.ts';

type Float32 = Tensor<'float32'>;

/**
 * The tokens of a run, `[B, L]`: text b has `counts[b]` of them, which follow the `cache.lengths[b]` that it had. On pages they are
 * `[1, N]`, those of all texts one after another.
 */
export interface Step<Keys = DecoderCache | PagedRun> {
  readonly backend: AttentionBackend;
  readonly cache: Keys;
  readonly counts: readonly number[];
  /** Angles of the tokens' positions; null for a model without rotary embeddings. */
  readonly angles: Angles | null;
  readonly hooks: Hooks;
  readonly run: RunOptions;
}

/** The self-attention of a decoder's layer, whose parts can be captured and changed between the projections. */
export class DecoderAttention {
  readonly #config: DecoderConfig;
  readonly #layer: number;
  /** Query, key and value in one. */
  readonly #input: Projection;
  readonly #output: Projection;
  readonly #norms: Readonly<Record<'query' | 'key', RMSNorm>> | null;

  private constructor(config: DecoderConfig, layer: number, parts: AttentionParts) {
    this.#config = config;
    this.#layer = layer;
    this.#input = parts.input;
    this.#output = parts.output;
    this.#norms = parts.norms;
  }

  /** @throws HeedError what loading throws. */
  static async load(config: DecoderConfig, layer: number, reader: WeightReader): Promise<DecoderAttention> {
    const { kind } = config;
    const parts =
      kind === 'gpt2' ? await ofGPT2(config, layer, reader) : await ofLlama(config, layer, reader);
    return new DecoderAttention(config, layer, parts);
  }

  /** `[B, L, E]` → `[B, L, E]`. */
  async forward(input: Float32, step: Step): Promise<Float32> {
    return this.#output.forward(step.backend, await this.#attend(input, step), step.run);
  }

  /** `[B, L, E]` → `[B, L, E]`, plus a residual of that shape, in the memory of a backend that offers `linear.residual`. */
  async stay(
    input: ResidentTensor,
    step: Step,
    residual: ResidentTensor,
  ): Promise<ResidentTensor<'float32'>> {
    return this.#output.onEngine(step.backend, await this.#attend(input, step), step.run, residual);
  }

  /** `[B, L, E]` → the outputs of all heads, `[B, L, H · D]`. */
  async #attend(input: Float32 | ResidentTensor, step: Step): Promise<Float32> {
    const { kvHeads, heads, headDim } = this.#config;
    const projected = await this.#input.forward(step.backend, input, step.run);
    const query = this.#heads('query', projected, step);
    const key = this.#heads('key', projected, step);
    const value = this.#heads('value', projected, step);
    const group = heads / kvHeads;
    const ofGroup = (head: number): number => Math.floor(head / group);
    this.#capture(step, 'query', (asked) => takeHeads(query, asked));
    this.#capture(step, 'key', (asked) => takeHeads(key, asked.map(ofGroup)));
    this.#capture(step, 'value', (asked) => takeHeads(value, asked.map(ofGroup)));
    const { cache } = step;
    const rows = { query, key, value };
    const output =
      cache instanceof PagedRun
        ? await cache.attend(step.backend, this.#layer, rows, step.run)
        : await this.#attendInLine(rows, { ...step, cache });
    const [batch, length] = input.shape;
    const shape = [batch, length, heads * headDim];
    const joined = length === 1 ? output : exchangeHeadsAndLength(output);
    return { ...joined, shape } as Float32;
  }

  /** Attends to a cache that has a row of keys for each text: `[B, H, L, D]`. */
  async #attendInLine(
    { query, key, value }: Readonly<Record<'query' | 'key' | 'value', Float32>>,
    step: Step<DecoderCache>,
  ): Promise<Float32> {
    const memory = await step.cache.append(this.#layer, key, value);
    const request = { ...this.#scope(step), query, ...memory };
    const output = (await attention(step.backend, request, step.run)).output as Float32;
    await this.#changeOutput(output, memory, step);
    await this.#captureWeights(query, memory, step);
    this.#capture(step, 'output', (asked) => takeHeads(output, asked));
    return output;
  }

  /** Heads of the joint projection, `[B, H, L, D]`, normalized and rotated as far as the model does. */
  #heads(name: 'query' | 'key' | 'value', projected: Float32, { angles }: Step): Float32 {
    const { heads, kvHeads, headDim } = this.#config;
    const first = { query: 0, key: heads, value: heads + kvHeads }[name];
    const count = name === 'query' ? heads : kvHeads;
    let result = headsOf(projected, first, count, headDim);
    if (name === 'value') return result;
    if (this.#norms !== null) result = this.#norms[name].forward(result) as Float32;
    if (angles !== null) rotateHalves(result, angles);
    return result;
  }

  /** Limits of a step: query i of text b follows the tokens that the text already had. */
  #scope({ cache, counts }: Step<DecoderCache>): object {
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
  async #captureWeights(query: Float32, memory: LayerMemory, step: Step<DecoderCache>): Promise<void> {
    const { hooks, backend, cache, counts, run } = step;
    const asked = hooks.headsOf(this.#layer, 'weights');
    if (asked.length === 0) return;
    const { heads, kvHeads } = this.#config;
    const groups = asked.map((head) => Math.floor((head * kvHeads) / heads));
    const key = await memory.key.gather(groups, { axis: 1 });
    const scales = await memory.keyScales?.gather(groups, { axis: 1 });
    try {
      const keys = { key, value: key, ...(scales && { keyScales: scales, valueScales: scales }) };
      const request = { ...this.#scope(step), query: takeHeads(query, asked), ...keys };
      const results = await attention(backend, { ...request, output: false, weights: true }, run);
      const count = Math.max(...cache.lengths.map((length, b) => length + counts[b]));
      const weights = firstKeys(results.weights as Float32, count);
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
      scales?.dispose();
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
    const values = await valuesOf(memory, keys);
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

/** Some heads of `[B, L, all · D]` as `[B, n, L, D]`. */
function headsOf(projected: Float32, first: number, count: number, headDim: number): Float32 {
  const [batch, length, width] = projected.shape as [number, number, number];
  const result = zeros('float32', [batch, count, length, headDim]);
  for (let b = 0, to = 0; b < batch; b++) {
    for (let h = first; h < first + count; h++) {
      for (let i = 0; i < length; i++, to += headDim) {
        const from = (b * length + i) * width + h * headDim;
        result.data.set(projected.data.subarray(from, from + headDim), to);
      }
    }
  }
  return result;
}

/** Parts of a layer's attention. */
interface AttentionParts {
  readonly input: Projection;
  readonly output: Projection;
  readonly norms: Readonly<Record<'query' | 'key', RMSNorm>> | null;
}

async function ofLlama(config: DecoderConfig, layer: number, reader: WeightReader): Promise<AttentionParts> {
  const { width, heads, kvHeads, headDim, bias, kind, epsilon } = config;
  const under = `layers.${layer}.self_attn`;
  const part = async (name: string, rows: number, columns: number, biased: boolean) => ({
    weight: await reader.matrix(`${under}.${name}.weight`, [rows, columns]),
    bias: biased ? decoded(await reader.matrix(`${under}.${name}.bias`, [rows])) : null,
  });
  const norm = async (name: string): Promise<RMSNorm> => {
    const made = new RMSNorm({ embedDim: headDim, epsilon });
    made.loadStateDict({ weight: decoded(await reader.matrix(`${under}.${name}.weight`, [headDim])) });
    return made;
  };
  const inputs = [
    await part('q_proj', heads * headDim, width, bias.input),
    await part('k_proj', kvHeads * headDim, width, bias.input),
    await part('v_proj', kvHeads * headDim, width, bias.input),
  ];
  return {
    input: new Projection(inputs),
    output: new Projection([await part('o_proj', width, heads * headDim, bias.output)]),
    norms: kind === 'qwen3' ? { query: await norm('q_norm'), key: await norm('k_norm') } : null,
  };
}

/** GPT-2 stores weights transposed and stacked, which layers take apart. */
async function ofGPT2(config: DecoderConfig, layer: number, reader: WeightReader): Promise<AttentionParts> {
  const { width, heads } = config;
  const loaded = new MultiHeadAttention({ embedDim: width, heads, random: () => 0 });
  loaded.loadStateDict(await reader.under(`h.${layer}.attn.`));
  const part = (name: string) => ({
    weight: loaded.parameters[`${name}.weight`] as Float32,
    bias: loaded.parameters[`${name}.bias`] as Float32,
  });
  return {
    input: new Projection(['query', 'key', 'value'].map(part)),
    output: new Projection([part('output')]),
    norms: null,
  };
}
