import { expect, test } from 'vitest';
import { configOfGGUF, configOfHub } from '../index.ts';
import { CONFIGS, ggufFile } from '../test/tiny-decoder.ts';

test('what the configurations say', async () => {
  const llama = configOfHub(CONFIGS.llama);
  expect(llama).toMatchObject({ kind: 'llama', kvHeads: 2, headDim: 4, tied: true, rotary: { base: 100 } });
  expect(configOfGGUF(await ggufFile('llama'))).toEqual({ ...llama, epsilon: Math.fround(1e-5) });
  expect(configOfHub(CONFIGS.qwen2)).toMatchObject({ bias: { input: true, output: false }, tied: false });
  expect(configOfHub(CONFIGS.gpt2)).toMatchObject({ activation: 'geluTanh', rotary: null, hiddenDim: 20 });
});

test('rotary scaling: what is known becomes that of layers', () => {
  const scaling = (rope_scaling: object): unknown =>
    configOfHub({ ...CONFIGS.llama, rope_scaling }).rotary?.scaling;
  expect(scaling({ type: 'linear', factor: 2 })).toEqual({ kind: 'linear', factor: 2 });
  expect(
    scaling({
      rope_type: 'llama3',
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 16,
    }),
  ).toEqual({ kind: 'llama3', factor: 8, trainedLength: 16, lowFrequencyFactor: 1, highFrequencyFactor: 4 });
  const newer = {
    ...CONFIGS.llama,
    rope_theta: undefined,
    rope_parameters: { rope_theta: 7, rope_type: 'default' },
  };
  expect(configOfHub(newer).rotary).toEqual({ base: 7 });
});

test.each<[string, object]>([
  ['model_type', { ...CONFIGS.llama, model_type: 'mistral' }],
  ['model_type', { ...CONFIGS.llama, model_type: undefined }],
  ['hidden_act', { ...CONFIGS.llama, hidden_act: 'gelu' }],
  ['dynamic', { ...CONFIGS.llama, rope_scaling: { rope_type: 'dynamic', factor: 2 } }],
  [
    'longrope',
    { ...CONFIGS.llama, rope_scaling: { rope_type: 'longrope', short_factor: [], long_factor: [] } },
  ],
  ['mscale', { ...CONFIGS.llama, rope_scaling: { rope_type: 'yarn', factor: 2, mscale: 1 } }],
  ['rope_interleaved', { ...CONFIGS.llama, rope_interleaved: true }],
  ['use_sliding_window', { ...CONFIGS.qwen2, use_sliding_window: true }],
  ['sliding_attention', { ...CONFIGS.qwen3, layer_types: ['full_attention', 'sliding_attention'] }],
  ['sliding_window', { ...CONFIGS.llama, sliding_window: 4 }],
  ['num_local_experts', { ...CONFIGS.llama, num_local_experts: 8 }],
  ['quantization_config', { ...CONFIGS.llama, quantization_config: { bits: 4 } }],
  ['activation_function', { ...CONFIGS.gpt2, activation_function: 'gelu_fast' }],
  ['scale_attn_by_inverse_layer_idx', { ...CONFIGS.gpt2, scale_attn_by_inverse_layer_idx: true }],
])('what would be computed wrongly is refused by its name: %s', (name, config) => {
  expect(() => configOfHub(config)).toThrow(
    expect.objectContaining({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(name) as string,
    }) as Error,
  );
});

test('lists in lists in place of a kind of layer or of scaling are refused, and shown in short', () => {
  const nested = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) as unknown;
  for (const change of [{ layer_types: nested }, { rope_scaling: { rope_type: nested } }]) {
    expect(() => configOfHub({ ...CONFIGS.qwen2, ...change })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }) as Error,
    );
  }
});

test.each<[string, string, unknown]>([
  ['gemma', 'general.architecture', 'gemma'],
  ['yarn', 'llama.rope.scaling.type', 'yarn'],
  ['attention.sliding_window', 'llama.attention.sliding_window', 4],
  ['expert_count', 'llama.expert_count', 8],
  ['rope.dimension_count', 'llama.rope.dimension_count', 2],
])('GGUF: %s is refused', async (name, key, value) => {
  const file = await ggufFile('llama');
  const metadata = { ...file.metadata, [key]: value } as typeof file.metadata;
  expect(() => configOfGGUF({ ...file, metadata })).toThrow(
    expect.objectContaining({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(name) as string,
    }) as Error,
  );
});

test.each([
  ['num_hidden_layers', 0],
  ['num_hidden_layers', 1.5],
  ['rms_norm_eps', '1e-5'],
  ['tie_word_embeddings', 1],
  ['layer_types', 'full_attention'],
  ['layer_types', { length: 2 }],
  ['rope_scaling', 'linear'],
])('%s: %j is malformed', (name, value) => {
  expect(() => configOfHub({ ...CONFIGS.qwen2, [name]: value })).toThrow(
    expect.objectContaining({ code: 'ARGUMENT' }) as Error,
  );
});
