// Writes a Whisper model of CTranslate2 as its page on the hub has it: config.json, generation_config.json,
// model.safetensors, with the same numbers in the same type.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { safetensorsOf } from './safetensors.mjs';

const DTYPES = { 0: 'F32', 4: 'F16' };

/** @returns {Map<string, { dtype: number, shape: number[], data: Uint8Array }>} */
function variablesOf(/** @type {Buffer} */ file) {
  let at = 0;
  const number = () => file.readUInt32LE((at += 4) - 4);
  const string = () => {
    const length = file.readUInt16LE(at);
    at += 2 + length;
    return file.toString('utf8', at - length, at).replace(/\0$/, '');
  };
  const byte = () => file[at++];
  const [version, specification] = [number(), string()];
  number(); // The specification's revision.
  if (version !== 6 || specification !== 'WhisperSpec') {
    throw new Error(`model.bin is ${specification} ${version}; expected WhisperSpec 6`);
  }
  const variables = new Map();
  for (let left = number(); left > 0; left--) {
    const name = string();
    const shape = Array.from({ length: byte() }, number);
    const dtype = byte();
    const bytes = number();
    variables.set(name, { dtype, shape, data: file.subarray(at, at + bytes) });
    at += bytes;
  }
  return variables;
}

/** Parts of a layer: CTranslate2's name, the hub's, and the projections that the first stacks. */
const PARTS = [
  ['self_attention/layer_norm', 'self_attn_layer_norm'],
  ['self_attention/linear_0', 'self_attn', ['q_proj', 'k_proj', 'v_proj']],
  ['self_attention/linear_1', 'self_attn.out_proj'],
  ['attention/layer_norm', 'encoder_attn_layer_norm'],
  ['attention/linear_0', 'encoder_attn.q_proj'],
  ['attention/linear_1', 'encoder_attn', ['k_proj', 'v_proj']],
  ['attention/linear_2', 'encoder_attn.out_proj'],
  ['ffn/layer_norm', 'final_layer_norm'],
  ['ffn/linear_0', 'fc1'],
  ['ffn/linear_1', 'fc2'],
];
const ENDS = { weight: 'weight', bias: 'bias', gamma: 'weight', beta: 'bias' };
const OUTER = {
  'conv1/weight': 'conv1.weight',
  'conv1/bias': 'conv1.bias',
  'conv2/weight': 'conv2.weight',
  'conv2/bias': 'conv2.bias',
  'position_encodings/encodings': 'embed_positions.weight',
  'embeddings/weight': 'embed_tokens.weight',
  'layer_norm/gamma': 'layer_norm.weight',
  'layer_norm/beta': 'layer_norm.bias',
};
/** Numbers of the specification, which are in config.json. */
const SETTINGS =
  /^(encoder|decoder)\/(activation|alibi|alignment_heads|alignment_layer|num_heads|pre_norm|scale_embeddings|start_from_zero_embedding)$/;

function tensorsOf(variables) {
  const tensors = [];
  const add = (name, { dtype, shape, data }) => {
    if (DTYPES[dtype] === undefined)
      throw new Error(`${name} is of the type ${dtype}; expected float16 or float32`);
    tensors.push({ name: `model.${name}`, dtype: DTYPES[dtype], shape, data });
  };
  for (const [name, variable] of variables) {
    if (SETTINGS.test(name)) continue;
    const [side, ...rest] = name.split('/');
    const [, layer, inner] = /^layer_(\d+)\/(.*)$/.exec(rest.join('/')) ?? [];
    if (layer === undefined) {
      const known = OUTER[rest.join('/')];
      if (known === undefined) throw new Error(`model.bin has ${name}, whose meaning is unknown here`);
      add(`${side}.${known}`, variable);
      continue;
    }
    const [theirs, ours, stack] = PARTS.find(([start]) => inner.startsWith(`${start}/`)) ?? [];
    const end = ENDS[inner.slice((theirs ?? '').length + 1)];
    if (end === undefined) throw new Error(`model.bin has ${name}, whose meaning is unknown here`);
    const prefix = `${side}.layers.${layer}.${ours}`;
    if (stack === undefined) {
      add(`${prefix}.${end}`, variable);
      continue;
    }
    const [rows, ...others] = variable.shape;
    const bytes = variable.data.byteLength / stack.length;
    stack.forEach((projection, n) => {
      // Keys have no bias on the hub; in the stack theirs is 0.
      const data = variable.data.subarray(n * bytes, (n + 1) * bytes);
      if (projection === 'k_proj' && end === 'bias') {
        if (data.some((value) => value !== 0)) throw new Error(`${name}: keys have a bias`);
        return;
      }
      add(`${prefix}.${projection}.${end}`, { ...variable, shape: [rows / stack.length, ...others], data });
    });
  }
  return tensors;
}

/** @param {string} folder with model.bin, config.json and tokenizer.json of CTranslate2. */
export function convert(folder) {
  const json = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const write = (name, value) => writeFileSync(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  const variables = variablesOf(readFileSync(join(folder, 'model.bin')));
  const tensors = tensorsOf(variables);
  const shape = (name) => tensors.find((tensor) => tensor.name === `model.${name}`).shape;
  const setting = (name) => variables.get(name).data.readInt16LE(0);
  const layers = (side) =>
    tensors.filter(({ name }) => name.startsWith(`model.${side}.layers.`) && name.endsWith('fc1.bias'))
      .length;
  const { alignment_heads, suppress_ids, suppress_ids_begin } = json('config.json');
  const tokens = new Map(json('tokenizer.json').added_tokens.map(({ id, content }) => [content, id]));
  const [width, bins] = shape('encoder.conv1.weight');
  const common = {
    begin_suppress_tokens: suppress_ids_begin,
    bos_token_id: tokens.get('<|endoftext|>'),
    decoder_start_token_id: tokens.get('<|startoftranscript|>'),
    eos_token_id: tokens.get('<|endoftext|>'),
    pad_token_id: tokens.get('<|endoftext|>'),
    suppress_tokens: suppress_ids,
  };
  write('config.json', {
    activation_function: 'gelu',
    architectures: ['WhisperForConditionalGeneration'],
    d_model: width,
    decoder_attention_heads: setting('decoder/num_heads'),
    decoder_ffn_dim: shape('decoder.layers.0.fc1.bias')[0],
    decoder_layers: layers('decoder'),
    encoder_attention_heads: setting('encoder/num_heads'),
    encoder_ffn_dim: shape('encoder.layers.0.fc1.bias')[0],
    encoder_layers: layers('encoder'),
    is_encoder_decoder: true,
    max_source_positions: shape('encoder.embed_positions.weight')[0],
    max_target_positions: shape('decoder.embed_positions.weight')[0],
    model_type: 'whisper',
    num_mel_bins: bins,
    scale_embedding: false,
    vocab_size: shape('decoder.embed_tokens.weight')[0],
    ...common,
  });
  write('generation_config.json', {
    alignment_heads,
    is_multilingual: false,
    max_initial_timestamp_index: 50,
    no_timestamps_token_id: tokens.get('<|notimestamps|>'),
    prev_sot_token_id: tokens.get('<|startofprev|>'),
    ...common,
  });
  write('tokenizer_config.json', { tokenizer_class: 'WhisperTokenizer', eos_token: '<|endoftext|>' });
  writeFileSync(join(folder, 'model.safetensors'), safetensorsOf(tensors));
  rmSync(join(folder, 'model.bin'));
}
