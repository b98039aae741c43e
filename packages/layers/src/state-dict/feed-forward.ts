import type { StateDict } from './copy.ts';
import { rowsApart, transposed } from './parts.ts';

type Names = Readonly<Partial<Record<'up' | 'gate' | 'down', string>>>;

/** Names of the projections in each naming; `.weight` and `.bias` follow. */
const NAMINGS: readonly Names[] = [
  { up: 'up', gate: 'gate', down: 'down' },
  { up: 'up', down: 'down' },
  { up: 'up_proj', gate: 'gate_proj', down: 'down_proj' }, // Llama, Qwen, Gemma
  { up: 'linear1', down: 'linear2' }, // torch.nn.TransformerEncoderLayer
  { up: 'fc1', down: 'fc2' }, // BART, Whisper, timm
  { up: 'intermediate.dense', down: 'output.dense' }, // BERT, ViT
  { up: 'lin1', down: 'lin2' }, // DistilBERT
  { up: 'wi_1', gate: 'wi_0', down: 'wo' }, // T5 1.1
  { up: 'wi', down: 'wo' }, // T5
];

/**
 * Returns a state dict's feed-forward layer under our own names, whichever naming it has.
 *
 * @throws HeedError `SHAPE` for stacked projections that do not come apart.
 */
export function feedForwardOf(dict: StateDict): StateDict {
  const split = splitGate(untransposed(dict));
  const naming = NAMINGS.find((names) => Object.values(names).every((name) => `${name}.weight` in split));
  if (naming === undefined) return split;
  const names = new Map<string, string>(
    Object.entries(naming).flatMap(([ours, theirs]) =>
      ['weight', 'bias'].map((part) => [`${theirs}.${part}`, `${ours}.${part}`] as const),
    ),
  );
  return Object.fromEntries(Object.entries(split).map(([name, value]) => [names.get(name) ?? name, value]));
}

/** Names of a block's entries that belong to a feed-forward layer without its own prefix. */
export const FEED_FORWARD_NAMES: RegExp =
  /^(linear1|linear2|fc1|fc2|intermediate\.dense|output\.dense)\.(weight|bias)$/;

/** GPT-2 keeps weights as `[in, out]`. */
function untransposed(dict: StateDict): StateDict {
  if (!('c_fc.weight' in dict) || !('c_proj.weight' in dict)) return dict;
  const {
    'c_fc.weight': up,
    'c_fc.bias': upBias,
    'c_proj.weight': down,
    'c_proj.bias': downBias,
    ...rest
  } = dict;
  return {
    ...rest,
    'up.weight': transposed('c_fc.weight', up),
    'down.weight': transposed('c_proj.weight', down),
    ...(upBias && { 'up.bias': upBias }),
    ...(downBias && { 'down.bias': downBias }),
  };
}

/** Phi-3 stacks the gate on the other projection. */
function splitGate(dict: StateDict): StateDict {
  const { 'gate_up_proj.weight': stacked, ...rest } = dict;
  if (stacked === undefined) return dict;
  const [gate, up] = rowsApart('gate_up_proj.weight', stacked, [1, 1]);
  return { ...rest, 'gate_proj.weight': gate, 'up_proj.weight': up };
}
