import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import { refuseConfig } from '../config/decoder-config.ts';
import { Fields } from '../config/fields.ts';
import { NOTES } from '../config/notes.ts';
import type { EncoderShape } from '../encoder/block.ts';

/** Configuration of an encoder of texts. */
export interface EncoderConfig extends EncoderShape {
  readonly kind: 'bert' | 'roberta';
  /** V, the number of token ids. */
  readonly vocabulary: number;
  /** The number of tokens that a text may have. */
  readonly positions: number;
  /** Place of the first token among the learned positions: 0, or behind the padding's in RoBERTa. */
  readonly firstPosition: number;
  /** The number of kinds of tokens: two for pairs of texts. */
  readonly types: number;
  readonly paddingId: number;
}

/** Fields that only matter in training, or to what stands behind the model. */
const IGNORED = [
  ...['attention_probs_dropout_prob', 'hidden_dropout_prob', 'classifier_dropout', 'gradient_checkpointing'],
  ...['output_past', 'num_labels', 'finetuning_task', 'directionality', 'tie_word_embeddings'],
  ...[
    'pooler_fc_size',
    'pooler_num_attention_heads',
    'pooler_num_fc_layers',
    'pooler_size_per_head',
    'pooler_type',
  ],
] as const;

/**
 * Reads the configuration of an encoder of texts from the parsed config.json of its page on the hub: BERT, RoBERTa and XLM-RoBERTa.
 *
 * @throws HeedError `UNSUPPORTED` for what would be computed wrongly, and for a field whose meaning is unknown; `ARGUMENT` for a
 * value of another type.
 */
export function encoderConfigOf(config: object): EncoderConfig {
  const fields = new Fields(config);
  fields.expect('is_decoder', false);
  fields.expect('add_cross_attention', false);
  fields.expect('position_embedding_type', 'absolute');
  fields.expect('embedding_size', undefined, (config as { hidden_size?: unknown }).hidden_size);
  fields.ignore(...NOTES, ...IGNORED);
  const type = fields.expect('model_type', 'unknown', 'bert', 'roberta', 'xlm-roberta');
  if (type === 'unknown') refuseConfig('config.json has no model_type', 'give config.json of the model');
  const kind = type === 'bert' ? 'bert' : 'roberta';
  const activation = fields.expect('hidden_act', 'gelu', 'relu', 'gelu_new', 'gelu_pytorch_tanh');
  const [width, heads] = [fields.count('hidden_size'), fields.count('num_attention_heads')];
  if (width % heads !== 0) malformed('num_attention_heads', heads, `a divisor of hidden_size, ${width}`);
  const paddingId = paddingOf(config, kind);
  const firstPosition = kind === 'roberta' ? paddingId + 1 : 0;
  const result: EncoderConfig = {
    kind,
    layers: fields.count('num_hidden_layers'),
    width,
    heads,
    headDim: width / heads,
    hiddenDim: fields.count('intermediate_size'),
    epsilon: fields.number('layer_norm_eps', 1e-12),
    activation: activation === 'gelu' || activation === 'relu' ? activation : 'geluTanh',
    normFirst: false,
    vocabulary: fields.count('vocab_size'),
    positions: fields.count('max_position_embeddings') - firstPosition,
    firstPosition,
    types: fields.count('type_vocab_size', 2),
    paddingId,
  };
  if (result.positions < 1) malformed('max_position_embeddings', result.positions + firstPosition, 'more');
  fields.finish('config.json');
  return result;
}

function paddingOf(config: object, kind: EncoderConfig['kind']): number {
  const { pad_token_id: id = kind === 'roberta' ? 1 : 0 } = config as { readonly pad_token_id?: unknown };
  return Number.isSafeInteger(id) && (id as number) >= 0
    ? (id as number)
    : malformed('pad_token_id', id, 'an id');
}

function malformed(name: string, value: unknown, expected: string): never {
  throw new HeedError('ARGUMENT', `${name} is ${shown(value)}; expected ${expected}`, {
    clause: 'models.config',
    remedy: `give the configuration as the model's page has it`,
  });
}
