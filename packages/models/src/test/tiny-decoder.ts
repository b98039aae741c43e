import { type Tensor, tensor } from '@heed/core';
import { type StateDict, seededRandom, writeSafetensors, openSafetensors } from '@heed/layers';
import type { GGUFFile, HubFiles } from '../index.ts';
import { openGGUF } from '../index.ts';
import { f32, writeGGUF } from './write-gguf.ts';

export const TINY = { layers: 2, width: 12, heads: 4, hidden: 20, vocabulary: 17, positions: 24 } as const;

export type Kind = 'gpt2' | 'llama' | 'qwen2' | 'qwen3';

const { layers, width, heads, hidden, vocabulary, positions } = TINY;

const LLAMA = {
  hidden_size: width,
  intermediate_size: hidden,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: 2,
  head_dim: 4,
  vocab_size: vocabulary,
  max_position_embeddings: positions,
  rms_norm_eps: 1e-5,
  rope_theta: 100,
  hidden_act: 'silu',
};

/** config.json of a small model of each family. */
export const CONFIGS: Readonly<Record<Kind, Readonly<Record<string, unknown>>>> = {
  llama: { ...LLAMA, model_type: 'llama', tie_word_embeddings: true },
  qwen2: {
    ...LLAMA,
    model_type: 'qwen2',
    tie_word_embeddings: false,
    use_sliding_window: false,
    sliding_window: 4,
  },
  qwen3: { ...LLAMA, model_type: 'qwen3', tie_word_embeddings: true },
  gpt2: {
    model_type: 'gpt2',
    n_embd: width,
    n_layer: layers,
    n_head: heads,
    n_inner: hidden,
    n_positions: positions,
    vocab_size: vocabulary,
    layer_norm_epsilon: 1e-5,
    activation_function: 'gelu_new',
  },
};

/** Random weights under the names of the hub. */
export function weightsOf(kind: Kind): StateDict {
  const random = seededRandom(kind.length + 7);
  const dict: Record<string, Tensor> = {};
  const add = (name: string, ...shape: number[]): void => {
    const size = shape.reduce((a, b) => a * b);
    // Weights of norms near 1, so that every layer has an effect.
    const center = /norm|ln_/.test(name) && name.endsWith('weight') ? 1 : 0;
    dict[name] = tensor(
      Float32Array.from({ length: size }, () => center + 1.2 * (random() - 0.5)),
      shape,
    );
  };
  if (kind === 'gpt2') addGPT2(add);
  else addLlama(kind, add);
  return dict;
}

function addGPT2(add: (name: string, ...shape: number[]) => void): void {
  add('transformer.wte.weight', vocabulary, width);
  add('transformer.wpe.weight', positions, width);
  const both = (name: string, ...shape: number[]): void => {
    add(`${name}.weight`, ...shape);
    add(`${name}.bias`, shape.at(-1)!);
  };
  for (let n = 0; n < layers; n++) {
    const block = `transformer.h.${n}`;
    both(`${block}.ln_1`, width);
    both(`${block}.ln_2`, width);
    both(`${block}.attn.c_attn`, width, 3 * width);
    both(`${block}.attn.c_proj`, width, width);
    both(`${block}.mlp.c_fc`, width, hidden);
    both(`${block}.mlp.c_proj`, hidden, width);
  }
  both('transformer.ln_f', width);
}

function addLlama(kind: Kind, add: (name: string, ...shape: number[]) => void): void {
  add('model.embed_tokens.weight', vocabulary, width);
  for (let n = 0; n < layers; n++) {
    const block = `model.layers.${n}`;
    add(`${block}.input_layernorm.weight`, width);
    for (const [name, rows] of [
      ['q', 16],
      ['k', 8],
      ['v', 8],
    ] as const) {
      add(`${block}.self_attn.${name}_proj.weight`, rows, width);
      if (kind === 'qwen2') add(`${block}.self_attn.${name}_proj.bias`, rows);
    }
    add(`${block}.self_attn.o_proj.weight`, width, 16);
    if (kind === 'qwen3')
      for (const name of ['q_norm', 'k_norm']) add(`${block}.self_attn.${name}.weight`, 4);
    add(`${block}.post_attention_layernorm.weight`, width);
    add(`${block}.mlp.gate_proj.weight`, hidden, width);
    add(`${block}.mlp.up_proj.weight`, hidden, width);
    add(`${block}.mlp.down_proj.weight`, width, hidden);
  }
  add('model.norm.weight', width);
  if (kind === 'qwen2') add('lm_head.weight', vocabulary, width);
}

/** A model as its page on the hub has it, through a real file. */
export async function hubFiles(kind: Kind): Promise<HubFiles> {
  const weights = await openSafetensors(new Blob([writeSafetensors(weightsOf(kind)) as BlobPart]));
  return { config: CONFIGS[kind], weights };
}

/** The same as a GGUF file. */
export async function ggufFile(kind: Exclude<Kind, 'gpt2'>): Promise<GGUFFile> {
  return openGGUF(new Blob([ggufBytes(kind) as BlobPart]));
}

/**
 * Bytes of the file; rows of `llama` in the order for interleaved pairs, as its converter writes them.
 *
 * @param more metadata, such as a tokenizer.
 */
export function ggufBytes(
  kind: Exclude<Kind, 'gpt2'>,
  more: Readonly<Record<string, number | string | readonly string[] | readonly number[]>> = {},
): Uint8Array {
  const names: readonly (readonly [RegExp, string])[] = [
    [/^model\.embed_tokens/, 'token_embd'],
    [/^model\.norm/, 'output_norm'],
    [/^lm_head/, 'output'],
    [/^model\.layers\.(\d+)/, 'blk.$1'],
    [/input_layernorm/, 'attn_norm'],
    [/post_attention_layernorm/, 'ffn_norm'],
    [/self_attn\.(q|k)_norm/, 'attn_$1_norm'],
    [/self_attn\.o_proj/, 'attn_output'],
    [/self_attn\.(\w)_proj/, 'attn_$1'],
    [/mlp\.(\w+)_proj/, 'ffn_$1'],
  ];
  const tensors = Object.entries(weightsOf(kind)).map(([name, { shape, data }]) => {
    const renamed = names.reduce((text, [from, to]) => text.replace(from, to), name);
    const isTurned = kind === 'llama' && /attn_[qk]\./.test(renamed);
    return f32(renamed, shape, isTurned ? interleaved(data as Float32Array) : (data as Float32Array));
  });
  const numbers = {
    block_count: layers,
    context_length: positions,
    embedding_length: width,
    feed_forward_length: hidden,
    'attention.head_count': heads,
    'attention.head_count_kv': 2,
    'attention.key_length': 4,
    'attention.value_length': 4,
    'attention.layer_norm_rms_epsilon': 1e-5,
    'rope.freq_base': 100,
    'rope.dimension_count': 4,
  };
  const keys = Object.entries(numbers).map(([key, value]) => [`${kind}.${key}`, value]);
  const numeric = Object.fromEntries(keys) as Record<string, number>;
  return writeGGUF({ 'general.architecture': kind, ...numeric, ...more }, tensors);
}

/** Heads of four rows: 0, 1, 2, 3 → 0, 2, 1, 3. */
function interleaved(data: Float32Array): Float32Array {
  const result = new Float32Array(data.length);
  for (let row = 0; row < data.length / width; row++) {
    const from = 4 * Math.floor(row / 4) + [0, 2, 1, 3][row % 4]!;
    result.set(data.subarray(from * width, (from + 1) * width), row * width);
  }
  return result;
}
