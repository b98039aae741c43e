import { HeedError, type Tensor } from '@heed/core';
import type { NamedTensors } from '../parameters.ts';
import { type StateDict, copyParameters } from './copy.ts';

/** What each naming calls the four projections; `.weight` and `.bias` follow. */
const NAMINGS: readonly Readonly<Record<string, string>>[] = [
  { query: 'query', key: 'key', value: 'value', output: 'output' },
  { query: 'self.query', key: 'self.key', value: 'self.value', output: 'output.dense' },
  { query: 'q_proj', key: 'k_proj', value: 'v_proj', output: 'o_proj' },
  { query: 'q_proj', key: 'k_proj', value: 'v_proj', output: 'out_proj' },
];

/** BERT keeps the normalisation that follows the attention under the same prefix. */
const NEIGHBOURS = /^output\.LayerNorm\./;

/** Copies a state dict's projections into a layer's parameters, whichever naming it has. */
export function loadProjections(parameters: NamedTensors, stateDict: StateDict, prefix: string): void {
  // By names first: a tensor of a type that no tensor of Heed holds throws when it is read.
  const own = Object.fromEntries(
    Object.keys(stateDict)
      .filter((name) => name.startsWith(prefix))
      .map((name) => [name.slice(prefix.length), stateDict[name]]),
  );
  copyParameters(parameters, withOutputBias(parameters, renamed(splitOfTorch(own))));
}

/** Qwen2 has a bias on query, key and value, and none on the output: adding 0 is the same. */
function withOutputBias(parameters: NamedTensors, dict: StateDict): StateDict {
  const others = ['query.bias', 'key.bias', 'value.bias'];
  const bias = parameters['output.bias'];
  if (bias === undefined || 'output.bias' in dict || !others.every((name) => name in dict)) return dict;
  return { ...dict, 'output.bias': { ...bias, data: new Float64Array(bias.data.length), dtype: 'float64' } };
}

/** The names of the first naming that the dict's projections all have. */
function renamed(dict: StateDict): StateDict {
  const naming = NAMINGS.find((names) => Object.values(names).every((name) => `${name}.weight` in dict));
  if (naming === undefined) return dict;
  const names = new Map<string, string>(
    Object.entries(naming).flatMap(([ours, theirs]) =>
      ['weight', 'bias'].map((part) => [`${theirs}.${part}`, `${ours}.${part}`] as const),
    ),
  );
  return Object.fromEntries(
    Object.entries(dict)
      .filter(([name]) => !NEIGHBOURS.test(name))
      .map(([name, value]) => [names.get(name) ?? name, value]),
  );
}

/** `torch.nn.MultiheadAttention`: three projections stacked into one, or with names of their own. */
function splitOfTorch(dict: StateDict): StateDict {
  const { in_proj_weight, in_proj_bias, q_proj_weight, k_proj_weight, v_proj_weight, ...rest } = dict;
  const apart = {
    'q_proj.weight': q_proj_weight,
    'k_proj.weight': k_proj_weight,
    'v_proj.weight': v_proj_weight,
  };
  return {
    ...rest,
    ...Object.fromEntries(Object.entries(apart).filter(([, value]) => value !== undefined)),
    ...(in_proj_weight && thirds(in_proj_weight, 'weight')),
    ...(in_proj_bias && thirds(in_proj_bias, 'bias')),
  };
}

function thirds(stacked: Tensor, part: 'weight' | 'bias'): StateDict {
  const [rows, ...others] = stacked.shape;
  if (rows % 3 !== 0) {
    throw new HeedError('SHAPE', `in_proj_${part} is [${stacked.shape.join(', ')}], expected [3·E, …]`);
  }
  const third = stacked.data.length / 3;
  return Object.fromEntries(
    ['q_proj', 'k_proj', 'v_proj'].map((name, n) => [
      `${name}.${part}`,
      {
        ...stacked,
        shape: [rows / 3, ...others],
        data: stacked.data.slice(n * third, (n + 1) * third),
      } as Tensor,
    ]),
  );
}
