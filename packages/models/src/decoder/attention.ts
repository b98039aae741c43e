import {
  type AttentionBackend,
  type ResidentTensor,
  type RunOptions,
  type Tensor,
  attention,
} from '@heed/core';
import { zeros } from '@heed/core/backend';
import { Linear, MultiHeadAttention, RMSNorm } from '@heed/layers';
import type { DecoderConfig } from '../config/decoder-config.ts';
import { firstKeys, putHeads, takeHeads } from '../inside/heads.ts';
import type { WeightReader } from '../weights/source.ts';
import { decoded } from '../weights/matrix.ts';
import { type LayerMemory, valuesOf } from './memory.ts';
import { type Look, type TurnedGroup, headsOf, joinHeads, textsOf } from './group.ts';
import { Projection } from '../engine/projection.ts';
import { rotateHalves } from './rotary.ts';

type Float32 = Tensor<'float32'>;

/** Tokens that run through a model: `[B, L]`, or `[1, N]`, those of all texts in pages one after another. */
export interface Step {
  readonly backend: AttentionBackend;
  readonly groups: readonly TurnedGroup[];
  /** Parts of the step to capture and to change. */
  readonly looks: readonly Look[];
  /** The number of tokens, without padding. */
  readonly tokens: number;
  readonly isPaged: boolean;
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
    const { heads, headDim } = this.#config;
    const projected = await this.#input.forward(step.backend, input, step.run);
    const shape = [...input.shape.slice(0, -1), heads * headDim];
    const { groups } = step;
    // Heads of one token each lie in the order of the tokens.
    if (groups.length === 1 && groups[0]!.length === 1) {
      return { ...(await this.#attendGroup(projected, groups[0]!, step)), shape };
    }
    const joined = zeros('float32', shape);
    await Promise.all(
      groups.map(async (group) => joinHeads(await this.#attendGroup(projected, group, step), group, joined)),
    );
    return joined;
  }

  /** Attends with the tokens of a group: `[B, H, L, D]`. */
  async #attendGroup(projected: Float32, group: TurnedGroup, step: Step): Promise<Float32> {
    const { kvHeads, heads } = this.#config;
    const query = this.#heads('query', projected, group);
    const key = this.#heads('key', projected, group);
    const value = this.#heads('value', projected, group);
    const ofGroup = (head: number): number => Math.floor((head * kvHeads) / heads);
    const looks = step.looks.filter((look) => look.group === group);
    for (const look of looks) {
      this.#capture(look, 'query', query, (head) => head);
      this.#capture(look, 'key', key, ofGroup);
      this.#capture(look, 'value', value, ofGroup);
    }
    const memory = await group.append(this.#layer, { key, value });
    const request = { ...group.scope, ...memory, query };
    const output = (await attention(step.backend, request, step.run)).output as Float32;
    for (const look of looks) {
      await this.#changeOutput(output, memory, look);
      await this.#captureWeights(query, memory, look, step);
      this.#capture(look, 'output', output, (head) => head);
    }
    return output;
  }

  /** Heads of the joint projection, `[B, H, L, D]`, normalized and rotated as far as the model does. */
  #heads(name: 'query' | 'key' | 'value', projected: Float32, group: TurnedGroup): Float32 {
    const { heads, kvHeads, headDim } = this.#config;
    const first = { query: 0, key: heads, value: heads + kvHeads }[name];
    const count = name === 'query' ? heads : kvHeads;
    let result = headsOf(projected, group, [first, count], headDim);
    if (name === 'value') return result;
    if (this.#norms !== null) result = this.#norms[name].forward(result) as Float32;
    if (group.angles !== null) rotateHalves(result, group.angles);
    return result;
  }

  #capture(
    look: Look,
    what: 'query' | 'key' | 'value' | 'output',
    whole: Float32,
    ofHead: (head: number) => number,
  ): void {
    const asked = look.hooks.headsOf(this.#layer, what);
    const part = (): Float32 => takeHeads(textsOf(whole, look), asked.map(ofHead));
    look.hooks.capture(this.#layer, what, part, takeHeads);
  }

  /** Computes weights of the requested heads only: all weights of a long text are large. */
  async #captureWeights(query: Float32, memory: LayerMemory, look: Look, step: Step): Promise<void> {
    const { hooks, group, from, count } = look;
    const asked = hooks.headsOf(this.#layer, 'weights');
    if (asked.length === 0) return;
    const { heads, kvHeads } = this.#config;
    const ofHeads = asked.map((head) => Math.floor((head * kvHeads) / heads));
    const made: ResidentTensor[] = [];
    const gathered = async (tensor: ResidentTensor, axis: number, indices: readonly number[]) => {
      const result = await tensor.gather(indices, { axis });
      made.push(result);
      return result;
    };
    const taken = async (tensor: ResidentTensor): Promise<ResidentTensor> =>
      gathered(group.pages === null ? tensor : await gathered(tensor, 0, group.pages[from]!), 1, ofHeads);
    const { causal, alignment, keyLengths } = group.scope;
    const lengths = keyLengths.slice(from, from + count);
    // The pages of one text, in their order.
    const table = group.pages && {
      blockTable: { data: Int32Array.from(group.pages[from]!.keys()), shape: [1, group.pages[from]!.length] },
    };
    try {
      const key = await taken(memory.key);
      const scales = memory.keyScales && (await taken(memory.keyScales));
      const results = await attention(
        step.backend,
        {
          query: takeHeads(textsOf(query, look), asked),
          key,
          value: key,
          ...(scales && { keyScales: scales, valueScales: scales }),
          ...table,
          causal,
          alignment: { offset: alignment.offset.slice(from, from + count) },
          keyLengths: lengths,
          output: false,
          weights: true,
        },
        step.run,
      );
      const weights = firstKeys(results.weights as Float32, Math.max(...lengths));
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
      for (const tensor of made) tensor.dispose();
    }
  }

  /** Changes the outputs of a look, which has all texts of its group. */
  async #changeOutput(output: Float32, memory: LayerMemory, { hooks }: Look): Promise<void> {
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
