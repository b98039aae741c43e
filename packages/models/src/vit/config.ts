import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import { refuseConfig } from '../config/decoder-config.ts';
import { Fields } from '../config/fields.ts';
import { NOTES } from '../config/notes.ts';
import type { EncoderShape } from '../encoder/block.ts';

/** Configuration of a vision transformer. */
export interface VisionConfig extends EncoderShape {
  readonly kind: 'vit' | 'dinov2';
  /** Height and width of a patch, in pixels. */
  readonly patchSize: number;
  /** Patches down and across of the images that it was trained on, which have learned positions. */
  readonly grid: readonly [rows: number, columns: number];
}

/** Fields that only matter in training, or to what stands behind the model. */
const IGNORED = [
  ...['attention_probs_dropout_prob', 'hidden_dropout_prob', 'drop_path_rate', 'layerscale_value'],
  ...['apply_layernorm', 'reshape_hidden_states', 'out_features', 'out_indices', 'stage_names'],
  ...['encoder_stride', 'pooler_act', 'pooler_output_size', 'use_mask_token'],
] as const;

/**
 * Reads the configuration of a vision transformer from the parsed config.json of its page on the hub: ViT and DINOv2.
 *
 * @throws HeedError `UNSUPPORTED` for what would be computed wrongly, and for a field whose meaning is unknown; `ARGUMENT` for a
 * value of another type.
 */
export function visionConfigOf(config: object): VisionConfig {
  const fields = new Fields(config);
  fields.ignore(...NOTES, ...IGNORED);
  const kind = fields.expect('model_type', 'unknown', 'vit', 'dinov2');
  if (kind === 'unknown') refuseConfig('config.json has no model_type', 'give config.json of the model');
  fields.expect('qkv_bias', true);
  fields.expect('num_channels', 3);
  if (kind === 'dinov2') fields.expect('use_swiglu_ffn', false);
  const activation = fields.expect('hidden_act', 'gelu', 'relu', 'gelu_new', 'gelu_pytorch_tanh');
  const [width, heads] = [fields.count('hidden_size'), fields.count('num_attention_heads')];
  if (width % heads !== 0) malformed('num_attention_heads', heads, `a divisor of hidden_size, ${width}`);
  const [imageSize, patchSize] = [fields.count('image_size', 224), fields.count('patch_size', 16)];
  if (imageSize % patchSize !== 0)
    malformed('image_size', imageSize, `a multiple of patch_size, ${patchSize}`);
  const result: VisionConfig = {
    kind,
    layers: fields.count('num_hidden_layers'),
    width,
    heads,
    headDim: width / heads,
    hiddenDim:
      kind === 'vit' ? fields.count('intermediate_size') : Math.floor(width * fields.number('mlp_ratio', 4)),
    epsilon: fields.number('layer_norm_eps', kind === 'vit' ? 1e-12 : 1e-6),
    activation: activation === 'gelu' || activation === 'relu' ? activation : 'geluTanh',
    normFirst: true,
    patchSize,
    grid: [imageSize / patchSize, imageSize / patchSize],
  };
  fields.finish('config.json');
  return result;
}

function malformed(name: string, value: unknown, expected: string): never {
  throw new HeedError('ARGUMENT', `${name} is ${shown(value)}; expected ${expected}`, {
    clause: 'models.config',
    remedy: `give the configuration as the model's page has it`,
  });
}
