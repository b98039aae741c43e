import { HeedError } from '@heed/core';
import { checkOptions, flag, shown } from '@heed/core/backend';
import { Tokenizer } from '@huggingface/tokenizers';
import { asTrained } from './as-trained.ts';
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
  readonly beginning?: readonly number[] | undefined;
  /** Ids after which a text is complete. Default: that of `end`. */
  readonly endIds?: readonly number[] | undefined;
  /** The token after which a text is complete, if the model has one. */
  readonly end?: string | undefined;
}

/** Encodes text to token ids and back, as in the model's training. Created by `ggufTokenizer` or `hubTokenizer`. */
export class TextTokenizer {
  /** Ids after which a text is complete: `<|im_end|>`, say. */
  readonly endIds: readonly number[];
  readonly #tokenizer: Tokenizer;
  readonly #chatTemplate: string | undefined;
  readonly #beginning: readonly number[];
  readonly #special: readonly string[];

  /** @throws HeedError `ARGUMENT` for files that cannot be read; `UNSUPPORTED` for tokens that only match whole words. */
  constructor({ json, config, chatTemplate, beginning = [], end, endIds }: TokenizerParts) {
    this.#tokenizer = understood(() => new Tokenizer(asTrained(json), config));
    this.#chatTemplate = chatTemplate;
    this.#beginning = beginning;
    const id = end === undefined ? undefined : this.#tokenizer.token_to_id(end);
    this.endIds = endIds ?? (id === undefined ? [] : [id]);
    const added = [...this.#tokenizer.get_added_tokens_decoder().values()];
    // The library would find them inside of words.
    const whole = added.find((token) => token.single_word);
    if (whole !== undefined) {
      throw new HeedError('UNSUPPORTED', `the added token ${shown(whole.content)} is single_word`, {
        clause: 'models.tokenizer',
        remedy: 'remove the flag if its text never stands inside of a word, or the token',
      });
    }
    this.#special = added.filter(({ special }) => special).map(({ content }) => content);
  }

  /**
   * Returns the ids of a text. Special tokens written out in it, such as `<|im_end|>`, become their own ids; an empty text has only
   * those that the tokenizer puts around each text.
   *
   * @throws HeedError `ARGUMENT` for what is not a string, and for a text that the vocabulary does not cover.
   */
  encode(text: string): number[] {
    if (typeof text !== 'string') {
      throw new HeedError('ARGUMENT', `the text is ${shown(text)}; expected a string`, {
        remedy: 'encode one text at a time',
      });
    }
    const { ids, tokens } = understood(() => this.#tokenizer.encode(text));
    const unknown = ids.findIndex((id: unknown) => !Number.isSafeInteger(id));
    if (unknown >= 0) {
      throw new HeedError(
        'ARGUMENT',
        `the vocabulary has no ${shown(tokens[unknown])}, and no unknown token`,
        {
          clause: 'models.tokenizer',
          remedy: 'give tokenizer.json as the page of the model has it',
        },
      );
    }
    return [...this.#beginning, ...ids];
  }

  /**
   * Returns the text of ids; bytes that are not whole characters yet are U+FFFD.
   *
   * @throws HeedError `ARGUMENT` for what is not an array of ids; `UNKNOWN_OPTION`.
   * @param options.special keeps special tokens. Default false.
   */
  decode(ids: readonly number[], options: { readonly special?: boolean | undefined } = {}): string {
    checkOptions('decode()', options, { special: flag });
    if (!Array.isArray(ids) || !ids.every((id) => Number.isSafeInteger(id))) {
      throw new HeedError('ARGUMENT', `the ids are ${shown(ids)}; expected an array of whole numbers`, {
        remedy: 'decode one text at a time: decode([id]) for one token',
      });
    }
    if (ids.length === 0) return '';
    return understood(() =>
      this.#tokenizer.decode([...ids], {
        skip_special_tokens: options.special !== true,
        clean_up_tokenization_spaces: false,
      }),
    );
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

/**
 * @param method that the owner calls first.
 * @throws HeedError `ARGUMENT` for what is not a tokenizer.
 */
export function checkTokenizer(owner: string, given: unknown, method: 'encode' | 'decode'): void {
  if (typeof (given as Partial<TextTokenizer> | null | undefined)?.[method] === 'function') return;
  throw new HeedError('ARGUMENT', `${owner}: the tokenizer is ${shown(given)}; expected a TextTokenizer`, {
    remedy: 'make it with ggufTokenizer() or hubTokenizer()',
  });
}

/** Uses the library, which finds what is wrong with a file in the constructor or only later. @throws HeedError `ARGUMENT`. */
function understood<T>(use: () => T): T {
  try {
    return use();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HeedError('ARGUMENT', `the tokenizer cannot be read: ${reason.slice(0, 200)}`, {
      clause: 'models.tokenizer',
      remedy: 'give tokenizer.json and tokenizer_config.json of the same model, parsed',
      cause,
    });
  }
}
