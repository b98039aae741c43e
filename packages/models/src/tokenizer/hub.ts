import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import { TextTokenizer } from './tokenizer.ts';

/** Fields of the parsed tokenizer_config.json that are used. */
interface HubTokenizerConfig {
  readonly chat_template?: unknown;
  readonly eos_token?: string | { readonly content: string } | null;
}

/**
 * Returns the tokenizer of a model's page on the hub.
 *
 * @param json the parsed tokenizer.json.
 * @param config the parsed tokenizer_config.json.
 * @throws HeedError `ARGUMENT` for what is not such a file.
 */
export function hubTokenizer(json: object, config: object): TextTokenizer {
  checkParsed('tokenizer.json', json);
  checkParsed('tokenizer_config.json', config);
  const { chat_template: template, eos_token: end } = config as HubTokenizerConfig;
  const content = typeof end === 'string' ? end : end?.content;
  const { added_tokens: added = [], model } = json as {
    readonly added_tokens?: readonly { readonly id: number; readonly content: string }[];
    readonly model?: { readonly vocab?: Readonly<Record<string, number>> };
  };
  const id = added.find((token) => token.content === content)?.id ?? model?.vocab?.[content ?? ''];
  return new TextTokenizer({
    json,
    config,
    chatTemplate: typeof template === 'string' ? template : undefined,
    endIds: id === undefined ? [] : [id],
  });
}

function checkParsed(name: string, given: unknown): void {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return;
  throw new HeedError('ARGUMENT', `${name} is ${shown(given)}; expected an object`, {
    clause: 'models.tokenizer',
    remedy: 'give the parsed file: JSON.parse(text)',
  });
}
