import { shown } from '@heed/core/backend';
import type { RotaryOptions, RotaryScaling } from '@heed/layers';
import { type DecoderConfig, refuseConfig } from './decoder-config.ts';
import { Fields } from './fields.ts';
import { NOTES } from './notes.ts';

/**
 * Reads a decoder's configuration from its config.json on the hub: GPT-2, Llama, Qwen2 and Qwen3.
 *
 * @throws HeedError `UNSUPPORTED` for what would be computed wrongly, and for a field whose meaning is unknown; `ARGUMENT` for a
 * value of another type.
 */
export function configOfHub(json: object): DecoderConfig {
  const fields = new Fields(json);
  fields.ignore(...NOTES);
  const kind = fields.expect('model_type', 'unknown', 'gpt2', 'llama', 'qwen2', 'qwen3');
  if (kind === 'unknown') refuseConfig('config.json has no model_type', 'give config.json of the model');
  const config = kind === 'gpt2' ? ofGPT2(fields) : ofLlama(fields, kind);
  fields.finish('config.json');
  return config;
}

function ofGPT2(fields: Fields): DecoderConfig {
  fields.expect('scale_attn_weights', true);
  fields.expect('scale_attn_by_inverse_layer_idx', false);
  fields.expect('add_cross_attention', false);
  fields.expect('tie_word_embeddings', true);
  fields.ignore('reorder_and_upcast_attn', 'attn_pdrop', 'embd_pdrop', 'resid_pdrop', 'n_ctx');
  fields.ignore(
    ...['type', 'use_proj', 'activation', 'proj_to_labels', 'first_dropout'].map((n) => `summary_${n}`),
  );
  const [width, heads] = [fields.count('n_embd'), fields.count('n_head')];
  const activation = fields.expect('activation_function', 'gelu_new', 'gelu', 'relu', 'gelu_pytorch_tanh');
  return {
    kind: 'gpt2',
    layers: fields.count('n_layer'),
    width,
    heads,
    kvHeads: heads,
    headDim: width / heads,
    hiddenDim: fields.count('n_inner', 4 * width),
    vocabulary: fields.count('vocab_size'),
    positions: fields.count('n_positions'),
    epsilon: fields.number('layer_norm_epsilon', 1e-5),
    activation: activation === 'gelu' || activation === 'relu' ? activation : 'geluTanh',
    bias: { input: true, output: true, feedForward: true },
    rotary: null,
    tied: true,
  };
}

function ofLlama(fields: Fields, kind: 'llama' | 'qwen2' | 'qwen3'): DecoderConfig {
  fields.expect('hidden_act', 'silu');
  fields.expect('pretraining_tp', 1);
  fields.expect('rope_interleaved', false);
  const layers = fields.count('num_hidden_layers');
  if (kind !== 'llama') {
    fields.expect('use_sliding_window', false);
    // Without that flag, these have no effect.
    fields.ignore('sliding_window', 'max_window_layers');
    const other = fields.list('layer_types').find((type) => type !== 'full_attention');
    if (other !== undefined) {
      refuseConfig(`a layer is ${shown(other)}`, 'take a model whose layers see every token');
    }
  }
  const [width, heads] = [fields.count('hidden_size'), fields.count('num_attention_heads')];
  const bias = kind === 'qwen2' ? null : fields.flag('attention_bias', false);
  const positions = fields.count('max_position_embeddings');
  return {
    kind,
    layers,
    width,
    heads,
    kvHeads: fields.count('num_key_value_heads', heads),
    headDim: fields.count('head_dim', kind === 'qwen3' ? 128 : width / heads),
    hiddenDim: fields.count('intermediate_size'),
    vocabulary: fields.count('vocab_size'),
    positions,
    epsilon: fields.number('rms_norm_eps', 1e-6),
    activation: 'silu',
    bias: {
      input: bias ?? true,
      output: bias ?? false,
      feedForward: kind === 'llama' && fields.flag('mlp_bias', false),
    },
    rotary: rotaryOf(fields, positions),
    tied: fields.flag('tie_word_embeddings', false),
  };
}

/** Newer files have `rope_parameters`, older ones `rope_theta` and `rope_scaling`. */
function rotaryOf(fields: Fields, positions: number): RotaryOptions {
  const theta = fields.number('rope_theta', 10_000);
  const [older, newer] = [fields.value('rope_scaling'), fields.value('rope_parameters')];
  const rope = new Fields(newer ?? older ?? {});
  // The oldest name of rope_type.
  const type = rope.value('rope_type') ?? rope.value('type') ?? 'default';
  rope.ignore('type');
  const base = rope.number('rope_theta', theta);
  const scaling = type === 'default' ? undefined : scalingOf(rope, type, positions);
  rope.finish('rope_scaling');
  return { base, ...(scaling && { scaling }) };
}

function scalingOf(rope: Fields, type: unknown, positions: number): RotaryScaling {
  const trained = (): number => rope.count('original_max_position_embeddings', positions);
  switch (type) {
    case 'linear':
      return { kind: 'linear', factor: rope.number('factor') };
    case 'llama3':
      return {
        kind: 'llama3',
        factor: rope.number('factor'),
        trainedLength: trained(),
        lowFrequencyFactor: rope.number('low_freq_factor'),
        highFrequencyFactor: rope.number('high_freq_factor'),
      };
    case 'yarn':
      return {
        kind: 'yarn',
        factor: rope.number('factor'),
        trainedLength: trained(),
        betaFast: rope.number('beta_fast', 32),
        betaSlow: rope.number('beta_slow', 1),
      };
    default:
      return refuseConfig(
        `rope_scaling is of the kind ${shown(type)}; computed here: default, linear, llama3, yarn`,
        'take another model; this one would be computed wrongly',
      );
  }
}
