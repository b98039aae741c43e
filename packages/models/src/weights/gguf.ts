import type { Tensor } from '@heed/core';
import type { DecoderConfig } from '../config/decoder-config.ts';
import type { GGUFFile } from '../gguf/open.ts';
import type { WeightSource } from './source.ts';

const NAMES: Readonly<Record<string, string>> = {
  attn_norm: 'input_layernorm',
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  attn_q_norm: 'self_attn.q_norm',
  attn_k_norm: 'self_attn.k_norm',
  ffn_norm: 'post_attention_layernorm',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};
const OUTER: Readonly<Record<string, string>> = {
  'token_embd.weight': 'model.embed_tokens.weight',
  'output_norm.weight': 'model.norm.weight',
  'output.weight': 'lm_head.weight',
};

/**
 * Returns the tensors of a GGUF file under the names of the hub. In files of the architecture `llama`, the rows of
 * query and key are ordered for interleaved rotary pairs; this restores the order of the hub, for halves.
 */
export function weightsOfGGUF(file: GGUFFile, { kind, heads, kvHeads }: DecoderConfig): WeightSource {
  const stored = new Map(file.names.map((name) => [hubName(name), name]));
  return {
    names: [...stored.keys()],
    async tensor(name) {
      const original = stored.get(name) ?? name;
      const tensor = await file.tensor(original);
      if (kind !== 'llama') return tensor;
      if (/\.attn_q\.(weight|bias)$/.test(original)) return halves(tensor, heads);
      if (/\.attn_k\.(weight|bias)$/.test(original)) return halves(tensor, kvHeads);
      return tensor;
    },
  };
}

/** An unknown name stays, and is refused as a weight that the model does not have. */
function hubName(name: string): string {
  const [, block, part, end] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const known = part === undefined ? undefined : NAMES[part];
  return known === undefined ? (OUTER[name] ?? name) : `model.layers.${block}.${known}.${end}`;
}

/** Row 2 n + p of a head becomes row p · D / 2 + n. */
function halves(tensor: Tensor<'float32'>, heads: number): Tensor<'float32'> {
  const [rows] = tensor.shape;
  const width = tensor.data.length / rows;
  const depth = rows / heads;
  const data = new Float32Array(tensor.data.length);
  for (let row = 0; row < rows; row++) {
    const [head, at] = [Math.floor(row / depth), row % depth];
    const to = head * depth + (at % 2) * (depth / 2) + Math.floor(at / 2);
    data.set(tensor.data.subarray(row * width, (row + 1) * width), to * width);
  }
  return { ...tensor, data };
}
