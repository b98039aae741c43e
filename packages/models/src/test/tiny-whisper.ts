import { type Tensor, tensor } from '@heed/core';
import { type StateDict, openSafetensors, seededRandom, writeSafetensors } from '@heed/layers';
import type { WhisperFiles } from '../index.ts';

/** Numbers of a small model: windows of 0.4 s. */
export const TINY = {
  width: 12,
  heads: 3,
  hidden: 20,
  layers: 2,
  bins: 5,
  positions: 20,
  texts: 16,
  /** 0…11 are words, 12 is the end, 13 the start, 14 no speech, 15 no timestamps, 16…35 timestamps. */
  vocabulary: 36,
} as const;
const { width, heads, hidden, layers, bins, positions, texts, vocabulary } = TINY;

export const CONFIG: Readonly<Record<string, unknown>> = {
  model_type: 'whisper',
  activation_function: 'gelu',
  d_model: width,
  encoder_layers: layers,
  encoder_attention_heads: heads,
  encoder_ffn_dim: hidden,
  decoder_layers: layers,
  decoder_attention_heads: heads,
  decoder_ffn_dim: hidden,
  num_mel_bins: bins,
  max_source_positions: positions,
  max_target_positions: texts,
  vocab_size: vocabulary,
  scale_embedding: false,
};

export const GENERATION: Readonly<Record<string, unknown>> = {
  decoder_start_token_id: 13,
  eos_token_id: 12,
  no_timestamps_token_id: 15,
  suppress_tokens: [3, 13, 14],
  begin_suppress_tokens: [4, 12],
  alignment_heads: [
    [0, 2],
    [1, 0],
  ],
  max_initial_timestamp_index: 5,
};

/** Random weights under the names of the hub. */
export function weightsOf(): StateDict {
  const random = seededRandom(5);
  const dict: Record<string, Tensor> = {};
  const add = (name: string, ...shape: number[]): void => {
    // Weights of norms near 1, so that every layer has an effect.
    const center = /norm/.test(name) && name.endsWith('weight') ? 1 : 0;
    dict[`model.${name}`] = tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => center + random() - 0.5),
      shape,
    );
  };
  const both = (name: string, ...shape: number[]): void => {
    add(`${name}.weight`, ...shape);
    add(`${name}.bias`, shape[0]!);
  };
  const attention = (name: string): void => {
    for (const projection of ['q_proj', 'v_proj', 'out_proj']) both(`${name}.${projection}`, width, width);
    add(`${name}.k_proj.weight`, width, width);
    both(`${name}_layer_norm`, width);
  };
  both('encoder.conv1', width, bins, 3);
  both('encoder.conv2', width, width, 3);
  add('encoder.embed_positions.weight', positions, width);
  add('decoder.embed_tokens.weight', vocabulary, width);
  add('decoder.embed_positions.weight', texts, width);
  for (const side of ['encoder', 'decoder']) {
    for (let n = 0; n < layers; n++) {
      const block = `${side}.layers.${n}`;
      attention(`${block}.self_attn`);
      if (side === 'decoder') attention(`${block}.encoder_attn`);
      both(`${block}.fc1`, hidden, width);
      both(`${block}.fc2`, width, hidden);
      both(`${block}.final_layer_norm`, width);
    }
    both(`${side}.layer_norm`, width);
  }
  return dict;
}

/** A model as its page on the hub has it, through a real file. */
export async function tinyFiles(weights: StateDict = weightsOf()): Promise<WhisperFiles> {
  return {
    config: CONFIG,
    generation: GENERATION,
    weights: await openSafetensors(new Blob([writeSafetensors(weights) as BlobPart])),
  };
}
