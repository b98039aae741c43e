import { shown } from '@heed/core/backend';
import { checkGGUF } from '../gguf/check.ts';
import type { GGUFFile } from '../gguf/open.ts';
import { type DecoderConfig, refuseConfig } from './decoder-config.ts';
import { Fields } from './fields.ts';

/**
 * Reads a decoder's configuration from the metadata of a GGUF file: `llama`, `qwen2` and `qwen3`.
 *
 * @throws HeedError `UNSUPPORTED` for what would be computed wrongly, and for a key whose meaning is unknown; `ARGUMENT` for a
 * value of another type.
 */
export function configOfGGUF(file: GGUFFile): DecoderConfig {
  checkGGUF(file);
  const { metadata, names, describe } = file;
  const kind = metadata['general.architecture'];
  if (kind !== 'llama' && kind !== 'qwen2' && kind !== 'qwen3') {
    return refuseConfig(
      `general.architecture is ${shown(kind)}; computed here: llama, qwen2, qwen3`,
      'take the model as config.json and safetensors, or another model',
    );
  }
  if (names.includes('rope_freqs.weight')) {
    refuseConfig(
      'the file has rope_freqs.weight, which scales the rotary frequencies',
      'take the model as config.json and safetensors',
    );
  }
  const prefix = `${kind}.`;
  const own = Object.entries(metadata).filter(([key]) => key.startsWith(prefix));
  const fields = new Fields(Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])));
  fields.ignore('vocab_size');
  const [width, heads] = [fields.count('embedding_length'), fields.count('attention.head_count')];
  const headDim = fields.count('attention.key_length', width / heads);
  fields.expect('attention.value_length', headDim);
  fields.expect('rope.dimension_count', headDim);
  fields.expect('rope.scaling.type', 'none');
  const has = (name: string): boolean => names.includes(`blk.0.${name}.bias`);
  const config: DecoderConfig = {
    kind,
    layers: fields.count('block_count'),
    width,
    heads,
    kvHeads: fields.count('attention.head_count_kv', heads),
    headDim,
    hiddenDim: fields.count('feed_forward_length'),
    vocabulary: describe('token_embd.weight').shape[0],
    positions: fields.count('context_length'),
    epsilon: fields.number('attention.layer_norm_rms_epsilon'),
    activation: 'silu',
    bias: { input: has('attn_q'), output: has('attn_output'), feedForward: has('ffn_up') },
    rotary: { base: fields.number('rope.freq_base', 10_000) },
    tied: !names.includes('output.weight'),
  };
  fields.finish('the metadata');
  return config;
}
