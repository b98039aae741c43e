import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import { TextTokenizer } from './tokenizer.ts';

/** Fields of the parsed tokenizer_config.json that are used. */
interface HubTokenizerConfig {
  readonly chat_template?: unknown;
  readonly eos_token?: unknown;
}

/**
 * Returns the tokenizer of a model's page on the hub.
 *
 * @param json the parsed tokenizer.json.
 * @param config the parsed tokenizer_config.json. Newer pages keep the chat template in a file of its own: add it, as
 * `{ ...config, chat_template: text }`.
 * @throws HeedError `ARGUMENT` for what is not such a file; `UNSUPPORTED` for tokens that only match whole words.
 */
export function hubTokenizer(json: object, config: object): TextTokenizer {
  checkParsed('tokenizer.json', json);
  checkParsed('tokenizer_config.json', config);
  const { chat_template: template, eos_token: end } = config as HubTokenizerConfig;
  return new TextTokenizer({
    json,
    config,
    chatTemplate: defaultOf(template),
    end: textOf(end),
  });
}

/** The chat template that is used where none is named; some files have several. */
function defaultOf(template: unknown): string | undefined {
  const all = Array.isArray(template) ? (template as readonly { name?: unknown; template?: unknown }[]) : [];
  const one = Array.isArray(template) ? all.find((each) => each?.name === 'default')?.template : template;
  return typeof one === 'string' ? one : undefined;
}

/** The text of a token, which files write as such or as an object. */
function textOf(token: unknown): string | undefined {
  const text: unknown = typeof token === 'string' ? token : (token as { content?: unknown } | null)?.content;
  return typeof text === 'string' ? text : undefined;
}

function checkParsed(name: string, given: unknown): void {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return;
  throw new HeedError('ARGUMENT', `${name} is ${shown(given)}; expected an object`, {
    clause: 'models.tokenizer',
    remedy: 'give the parsed file: JSON.parse(text)',
  });
}
