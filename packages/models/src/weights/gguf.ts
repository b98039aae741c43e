import type { DecoderConfig } from '../config/decoder-config.ts';
import type { GGUFFile } from '../gguf/open.ts';
import { type Matrix, reordered } from './matrix.ts';
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
  const originals = new Map(file.names.map((name) => [hubName(name), name]));
  return {
    names: [...originals.keys()],
    async tensor(name) {
      const original = originals.get(name) ?? name;
      const headsOfRows = kind === 'llama' ? rotatedHeads(original, heads, kvHeads) : null;
      const stored = await file.stored(original);
      return headsOfRows === null ? stored : halves(stored, headsOfRows);
    },
  };
}

/** Number of heads of a tensor whose rows are rotated; null for another tensor. */
function rotatedHeads(name: string, heads: number, kvHeads: number): number | null {
  if (/\.attn_q\.(weight|bias)$/.test(name)) return heads;
  return /\.attn_k\.(weight|bias)$/.test(name) ? kvHeads : null;
}

/** An unknown name stays, and is refused as a weight that the model does not have. */
function hubName(name: string): string {
  const [, block, part, end] = /^blk\.(\d+)\.(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const known = part === undefined ? undefined : NAMES[part];
  return known === undefined ? (OUTER[name] ?? name) : `model.layers.${block}.${known}.${end}`;
}

/** Row 2 n + p of a head becomes row p · D / 2 + n. */
function halves(matrix: Matrix, heads: number): Matrix {
  const depth = matrix.shape[0]! / heads;
  return reordered(matrix, (row) => {
    const at = row % depth;
    return row - at + 2 * (at % (depth / 2)) + Math.floor(at / (depth / 2));
  });
}
