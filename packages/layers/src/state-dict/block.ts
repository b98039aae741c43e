import type { StateDict } from './copy.ts';
import { FEED_FORWARD_NAMES, feedForwardOf } from './feed-forward.ts';
import { type ProjectionLayer, projectionsOf } from './projections.ts';

/** Beginnings of the names of a block's parts; '' for a feed-forward layer without a prefix. */
interface Parts {
  readonly attention: string;
  readonly attentionNorm: string;
  readonly cross?: string;
  readonly crossNorm?: string;
  readonly feedForward: string;
  readonly feedForwardNorm: string;
}

const OWN: Parts = {
  attention: 'attention.',
  attentionNorm: 'attentionNorm.',
  cross: 'cross.',
  crossNorm: 'crossNorm.',
  feedForward: 'feedForward.',
  feedForwardNorm: 'feedForwardNorm.',
};

const LAYOUTS: readonly Parts[] = [
  OWN,
  // torch.nn.TransformerDecoderLayer, TransformerEncoderLayer
  {
    attention: 'self_attn.',
    attentionNorm: 'norm1.',
    cross: 'multihead_attn.',
    crossNorm: 'norm2.',
    feedForward: '',
    feedForwardNorm: 'norm3.',
  },
  { attention: 'self_attn.', attentionNorm: 'norm1.', feedForward: '', feedForwardNorm: 'norm2.' },
  // BART, Whisper
  {
    attention: 'self_attn.',
    attentionNorm: 'self_attn_layer_norm.',
    cross: 'encoder_attn.',
    crossNorm: 'encoder_attn_layer_norm.',
    feedForward: '',
    feedForwardNorm: 'final_layer_norm.',
  },
  // Llama, Qwen, Phi-3
  {
    attention: 'self_attn.',
    attentionNorm: 'input_layernorm.',
    feedForward: 'mlp.',
    feedForwardNorm: 'post_attention_layernorm.',
  },
  // BERT
  {
    attention: 'attention.',
    attentionNorm: 'attention.output.LayerNorm.',
    feedForward: '',
    feedForwardNorm: 'output.LayerNorm.',
  },
  // ViT of the hub
  {
    attention: 'attention.',
    attentionNorm: 'layernorm_before.',
    feedForward: '',
    feedForwardNorm: 'layernorm_after.',
  },
  // DistilBERT
  {
    attention: 'attention.',
    attentionNorm: 'sa_layer_norm.',
    feedForward: 'ffn.',
    feedForwardNorm: 'output_layer_norm.',
  },
  // timm
  { attention: 'attn.', attentionNorm: 'norm1.', feedForward: 'mlp.', feedForwardNorm: 'norm2.' },
  // GPT-2
  { attention: 'attn.', attentionNorm: 'ln_1.', feedForward: 'mlp.', feedForwardNorm: 'ln_2.' },
  // T5's decoder and encoder
  {
    attention: 'layer.0.SelfAttention.',
    attentionNorm: 'layer.0.layer_norm.',
    cross: 'layer.1.EncDecAttention.',
    crossNorm: 'layer.1.layer_norm.',
    feedForward: 'layer.2.DenseReluDense.',
    feedForwardNorm: 'layer.2.layer_norm.',
  },
  {
    attention: 'layer.0.SelfAttention.',
    attentionNorm: 'layer.0.layer_norm.',
    feedForward: 'layer.1.DenseReluDense.',
    feedForwardNorm: 'layer.1.layer_norm.',
  },
];

/**
 * Returns a block's state dict under our own names, whichever naming it has: that of the first layout whose norms and
 * attention are there.
 *
 * @throws HeedError as {@link projectionsOf} and {@link feedForwardOf} do.
 */
export function blockOf(dict: StateDict, layer: ProjectionLayer): StateDict {
  const cross = layer.names.includes('crossNorm.weight');
  const layout = LAYOUTS.find(
    (parts) =>
      (!cross || parts.crossNorm !== undefined) &&
      Object.keys(dict).some((name) => name.startsWith(parts.attention)) &&
      [parts.attentionNorm, parts.feedForwardNorm, ...(cross ? [parts.crossNorm] : [])].every(
        (prefix) => `${prefix}weight` in dict,
      ),
  );
  if (layout === undefined) return dict;
  const { rest, parts } = sorted(dict, layout, cross);
  const within = (prefix: string): ProjectionLayer => ({
    ...layer,
    names: layer.names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
  });
  return {
    ...rest,
    ...under('attention.', projectionsOf(parts.attention, within('attention.'))),
    ...under('attentionNorm.', parts.attentionNorm),
    ...under('cross.', projectionsOf(parts.cross, within('cross.'))),
    ...under('crossNorm.', parts.crossNorm),
    ...under('feedForward.', feedForwardOf(parts.feedForward)),
    ...under('feedForwardNorm.', parts.feedForwardNorm),
  };
}

/** Each entry with the part whose prefix is the longest that it begins with. */
function sorted(
  dict: StateDict,
  { cross, crossNorm, ...layout }: Parts,
  hasCross: boolean,
): { readonly rest: StateDict; readonly parts: Required<Record<keyof Parts, StateDict>> } {
  const used = hasCross ? { ...layout, cross, crossNorm } : layout;
  const prefixes = (Object.entries(used) as [keyof Parts, string][]).sort(
    ([, a], [, b]) => b.length - a.length,
  );
  const rest: Record<string, StateDict[string]> = {};
  const parts = {
    attention: {},
    attentionNorm: {},
    cross: {},
    crossNorm: {},
    feedForward: {},
    feedForwardNorm: {},
  };
  for (const [name, value] of Object.entries(dict)) {
    const found = prefixes.find(
      ([, prefix]) => name.startsWith(prefix) && (prefix !== '' || FEED_FORWARD_NAMES.test(name)),
    );
    if (found === undefined) rest[name] = value;
    else Object.assign(parts[found[0]], { [name.slice(found[1].length)]: value });
  }
  return { rest, parts };
}

function under(prefix: string, dict: StateDict): StateDict {
  return Object.fromEntries(Object.entries(dict).map(([name, value]) => [prefix + name, value]));
}
