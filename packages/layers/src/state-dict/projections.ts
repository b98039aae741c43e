import { HeedError, type Tensor } from '@heed/core';
import type { StateDict } from './copy.ts';
import { rowsApart, transposed } from './parts.ts';

/** The layer that a state dict is for. */
export interface ProjectionLayer {
  /** Stacked projections come apart by the numbers of heads. */
  readonly heads: number;
  readonly kvHeads: number;
  /** Names of its parameters. */
  readonly names: readonly string[];
}

const PROJECTIONS = ['query', 'key', 'value', 'output'] as const;

/** Names of the four projections in each naming; `.weight` and `.bias` follow. */
const NAMINGS: readonly (readonly [query: string, key: string, value: string, output: string])[] = [
  ['query', 'key', 'value', 'output'],
  ['self.query', 'self.key', 'self.value', 'output.dense'], // BERT
  ['attention.query', 'attention.key', 'attention.value', 'output.dense'], // ViT, DINOv2
  ['q_proj', 'k_proj', 'v_proj', 'o_proj'], // Llama, Qwen, Gemma, gpt-oss
  ['q_proj', 'k_proj', 'v_proj', 'out_proj'], // BART, Whisper
  ['q_lin', 'k_lin', 'v_lin', 'out_lin'], // DistilBERT
  ['q', 'k', 'v', 'o'], // T5
  ['q_proj', 'k_proj', 'v_proj', 'proj'], // timm, once its stack is apart
  ['q_proj', 'k_proj', 'v_proj', 'c_proj'], // GPT-2
  ['q_proj', 'k_proj', 'v_proj', 'dense'], // GPT-NeoX
];

const NORMS: Readonly<Record<string, string>> = {
  'q_norm.weight': 'queryNorm.weight',
  'k_norm.weight': 'keyNorm.weight',
};

/**
 * Entries that model files keep beside the projections: BERT's normalization, T5's relative positions, and buffers that follow from the
 * configuration, of rotary embeddings (old Llama, GPT-NeoX) and of causal masks (GPT-2).
 */
const NEIGHBORS =
  /^(output\.LayerNorm\..*|relative_attention_bias\.weight|rotary_emb\.inv_freq|masked_bias)$/;

/**
 * Returns the projections of a state dict under our own names, whichever naming it has.
 *
 * @throws HeedError `UNSUPPORTED` for what the layer does not compute: bias_k, bias_v, MXFP4; `SHAPE` for stacked projections that
 * do not come apart.
 */
export function projectionsOf(dict: StateDict, layer: ProjectionLayer): StateDict {
  refuse(Object.keys(dict));
  const own = Object.fromEntries(
    Object.entries(dict).filter(([name, { shape }]) => !isNeighbor(name, shape)),
  );
  return withZeroBiases(renamed(splitOfTorch(splitStack(splitOfGPT2(own), layer))), layer);
}

function isNeighbor(name: string, shape: readonly number[]): boolean {
  return NEIGHBORS.test(name) || (name === 'bias' && shape.length === 4);
}

function refuse(names: readonly string[]): void {
  const appended = names.filter((name) => name === 'bias_k' || name === 'bias_v');
  if (appended.length > 0) {
    throw new HeedError(
      'UNSUPPORTED',
      `the state dict has ${appended.join(' and ')}: it was trained with add_bias_kv, which appends a key and a value`,
      { remedy: 'append them to key and value behind their projections, by Linear and attention()' },
    );
  }
  const blocks = names.filter((name) => /_(blocks|scales)$/.test(name));
  if (blocks.length > 0) {
    throw new HeedError('UNSUPPORTED', `${blocks.join(', ')}: weights in MXFP4 blocks are not read`, {
      remedy: 'convert them to bfloat16 or float32 first',
    });
  }
}

/** The names of the first naming that the dict's projections all have. */
function renamed(dict: StateDict): StateDict {
  const naming = NAMINGS.find((names) => names.every((name) => `${name}.weight` in dict)) ?? [];
  const names = new Map<string, string>([
    ...Object.entries(NORMS),
    ...naming.flatMap((theirs, n) =>
      ['weight', 'bias'].map((part) => [`${theirs}.${part}`, `${PROJECTIONS[n]}.${part}`] as const),
    ),
  ]);
  return Object.fromEntries(Object.entries(dict).map(([name, value]) => [names.get(name) ?? name, value]));
}

/**
 * Adding 0 is the same as adding nothing: a bias that one projection lacks and the other three have, the output's in Qwen2 and
 * the key's in Whisper, is 0 where the layer has it.
 */
function withZeroBiases(dict: StateDict, { names }: ProjectionLayer): StateDict {
  const missing = PROJECTIONS.filter((name) => !(`${name}.bias` in dict));
  const [name] = missing;
  const weight = dict[`${name}.weight`];
  const isLeftOut = missing.length === 1 && (name === 'key' || name === 'output');
  if (!isLeftOut || weight === undefined || !names.includes(`${name}.bias`)) return dict;
  const [size] = weight.shape;
  return {
    ...dict,
    [`${name}.bias`]: { dtype: 'float64', shape: [size], data: new Float64Array(size) },
  };
}

/** `torch.nn.MultiheadAttention` with kdim or vdim: three projections with separate names. */
function splitOfTorch(dict: StateDict): StateDict {
  const { q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias, ...rest } = dict;
  const apart = {
    'q_proj.weight': q_proj_weight,
    'k_proj.weight': k_proj_weight,
    'v_proj.weight': v_proj_weight,
  };
  return {
    ...rest,
    ...Object.fromEntries(Object.entries(apart).filter(([, value]) => value !== undefined)),
    ...(in_proj_bias && named('bias', rowsApart('in_proj_bias', in_proj_bias, [1, 1, 1]))),
  };
}

/** Query, key and value stacked into one: `torch.nn.MultiheadAttention`, timm, Phi-3, and GPT-NeoX, which stacks them head by head. */
function splitStack(dict: StateDict, { heads, kvHeads }: ProjectionLayer): StateDict {
  const rest = { ...dict };
  const split = (name: string, part: 'weight' | 'bias', apart: (stack: Tensor) => Tensor[]): void => {
    const stack = rest[name];
    if (stack === undefined) return;
    delete rest[name];
    Object.assign(rest, named(part, apart(stack)));
  };
  split('in_proj_weight', 'weight', (stack) => rowsApart('in_proj_weight', stack, [1, 1, 1]));
  for (const part of ['weight', 'bias'] as const) {
    for (const stacked of ['qkv', 'qkv_proj']) {
      const name = `${stacked}.${part}`;
      split(name, part, (stack) => rowsApart(name, stack, [heads, kvHeads, kvHeads]));
    }
    const name = `query_key_value.${part}`;
    split(name, part, (stack) => ofHeads(rowsApart(name, stack, Array(3 * heads).fill(1) as number[])));
  }
  return rest;
}

/** `[H, 3, D, …]` → three of `[H · D, …]`. */
function ofHeads(parts: readonly Tensor[]): Tensor[] {
  return [0, 1, 2].map((projection) => {
    const ours = parts.filter((_, n) => n % 3 === projection);
    const [{ shape, data }] = ours as [Tensor];
    const joined = data.constructor as new (size: number) => Float32Array;
    const result = new joined(ours.length * data.length);
    ours.forEach((part, n) => result.set(part.data as Float32Array, n * data.length));
    return { ...ours[0], shape: [ours.length * shape[0], ...shape.slice(1)], data: result } as Tensor;
  });
}

/** GPT-2 keeps weights as `[in, out]`, and query, key and value in one. */
function splitOfGPT2(dict: StateDict): StateDict {
  const { 'c_attn.weight': stacked, 'c_attn.bias': bias, 'c_proj.weight': output, ...rest } = dict;
  if (stacked === undefined || output === undefined) return dict;
  return {
    ...rest,
    ...named('weight', rowsApart('c_attn.weight', transposed('c_attn.weight', stacked), [1, 1, 1])),
    ...(bias && named('bias', rowsApart('c_attn.bias', bias, [1, 1, 1]))),
    'c_proj.weight': transposed('c_proj.weight', output),
  };
}

function named(part: 'weight' | 'bias', tensors: readonly Tensor[]): StateDict {
  return Object.fromEntries(['q_proj', 'k_proj', 'v_proj'].map((name, n) => [`${name}.${part}`, tensors[n]]));
}
