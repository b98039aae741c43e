import { HeedError } from '@heed/core';
import { checkOptions, flag, shown } from '@heed/core/backend';
import { Tokenizer } from '@huggingface/tokenizers';
import { type ChatMessage, chatText, checkMessages } from './chat.ts';

/** Parts of a tokenizer. */
export interface TokenizerParts {
  /** The parsed tokenizer.json. */
  readonly json: object;
  /** The parsed tokenizer_config.json. */
  readonly config: object;
  /** Chat template, in Jinja. */
  readonly chatTemplate?: string | undefined;
  /** Ids that {@link TextTokenizer.encode} puts first, where the tokenizer's own steps do not. */
  readonly beginning?: readonly number[];
  /** Ids after which a text is complete. */
  readonly endIds: readonly number[];
}

/** Encodes text to token ids and back, as in the model's training. Created by `ggufTokenizer` or `hubTokenizer`. */
export class TextTokenizer {
  /** Ids after which a text is complete: `<|im_end|>`, say. */
  readonly endIds: readonly number[];
  readonly #tokenizer: Tokenizer;
  readonly #chatTemplate: string | undefined;
  readonly #beginning: readonly number[];
  readonly #special: readonly string[];

  constructor({ json, config, chatTemplate, beginning = [], endIds }: TokenizerParts) {
    this.#tokenizer = tokenizerOf(json, config);
    this.#chatTemplate = chatTemplate;
    this.#beginning = beginning;
    this.endIds = endIds;
    this.#special = [...this.#tokenizer.get_added_tokens_decoder().values()]
      .filter(({ special }) => special)
      .map(({ content }) => content);
  }

  /** Returns the ids of a text. Special tokens written out in it, such as `<|im_end|>`, become their own ids. */
  encode(text: string): number[] {
    if (typeof text !== 'string') {
      throw new HeedError('ARGUMENT', `the text is ${shown(text)}; expected a string`, {
        remedy: 'encode one text at a time',
      });
    }
    // The library cannot encode an empty text.
    return text === '' ? [...this.#beginning] : [...this.#beginning, ...this.#tokenizer.encode(text).ids];
  }

  /**
   * Returns the text of ids; bytes that are not whole characters yet are U+FFFD.
   *
   * @throws HeedError `ARGUMENT` for what is not an array of ids.
   * @param options.special keeps special tokens. Default false.
   */
  decode(ids: readonly number[], options: { readonly special?: boolean } = {}): string {
    checkOptions('decode()', options, { special: flag });
    if (!Array.isArray(ids) || !ids.every((id) => Number.isSafeInteger(id))) {
      throw new HeedError('ARGUMENT', `the ids are ${shown(ids)}; expected an array of whole numbers`, {
        remedy: 'decode one text at a time: decode([id]) for one token',
      });
    }
    if (ids.length === 0) return '';
    return this.#tokenizer.decode([...ids], {
      skip_special_tokens: options.special !== true,
      clean_up_tokenization_spaces: false,
    });
  }

  /** Returns the token of an id as the vocabulary spells it: `ĠParis`. Undefined for an unknown id. */
  token(id: number): string | undefined {
    return this.#tokenizer.id_to_token(id);
  }

  /**
   * Returns the ids of a conversation, up to where the answer of the assistant begins, by the model's own chat
   * template.
   *
   * @throws HeedError `MISSING_INPUT` for a model without a template; `UNSUPPORTED` for a template that is not ChatML; `ARGUMENT`
   * for a message with a special token, which would end its turn, and for another role.
   */
  chat(messages: readonly ChatMessage[]): number[] {
    checkMessages(messages);
    for (const { content } of messages) {
      const found = this.#special.find((token) => content.includes(token));
      if (found === undefined) continue;
      throw new HeedError('ARGUMENT', `a message contains the special token ${found}; expected plain text`, {
        remedy: 'remove it from the message',
      });
    }
    return this.encode(chatText(this.#chatTemplate, messages));
  }
}

/** @throws HeedError `ARGUMENT` for files that the library cannot read. */
function tokenizerOf(json: object, config: object): Tokenizer {
  try {
    return new Tokenizer(json, config);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeedError('ARGUMENT', `the tokenizer cannot be read: ${reason}`, {
      clause: 'models.tokenizer',
      remedy: 'give tokenizer.json and tokenizer_config.json of the same model, parsed',
      cause,
    });
  }
}
