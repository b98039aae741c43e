import { HeedError } from '@heed/core';
import { array, checkOptions, oneOf, required, shown, text } from '@heed/core/backend';

const ROLES = ['system', 'user', 'assistant'] as const;

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: (typeof ROLES)[number];
  readonly content: string;
}

/**
 * ChatML as SmolLM2 and Qwen2 write it in Jinja; it includes the system message for conversations without one, which
 * may be left out.
 */
const CHAT_ML =
  /^{% for message in messages %}(?:{% if loop\.first and messages\[0\]\['role'\] != 'system' %}{{ ?'<\|im_start\|>system\n([^'{}\\]*)<\|im_end\|>\n' ?}}{% endif %})?{{ ?'<\|im_start\|>' \+ message\['role'\] \+ '\n' \+ message\['content'\] \+ '<\|im_end\|>' \+ '\n' ?}}{% endfor %}{% if add_generation_prompt %}{{ ?'<\|im_start\|>assistant\n' ?}}{% endif %}\s*$/;

/**
 * Checks the turns of a conversation. A role is one of the three: the template would put any other text beside its special tokens.
 *
 * @throws HeedError `ARGUMENT`, `MISSING_INPUT` or `UNKNOWN_OPTION`.
 */
export function checkMessages(messages: readonly ChatMessage[]): void {
  if (!array.accepts(messages)) {
    throw new HeedError('ARGUMENT', `messages is ${shown(messages)}; expected an array`, {
      remedy: "give the turns in order: [{ role: 'user', content: '…' }]",
    });
  }
  const table = { role: required(oneOf(...ROLES)), content: required(text) };
  // Array.from(): a hole is a turn that is missing.
  for (const message of Array.from(messages)) checkOptions('a message', message, table);
}

/**
 * Returns the text of a conversation, up to where the assistant's answer begins.
 *
 * @param template Jinja, as the model's file has it.
 * @throws HeedError `MISSING_INPUT` without a template; `UNSUPPORTED` for one that is not ChatML.
 */
export function chatText(template: string | undefined, messages: readonly ChatMessage[]): string {
  if (template === undefined) {
    throw new HeedError('MISSING_INPUT', 'the model has no chat template', {
      remedy:
        'add the text of chat_template.jinja to tokenizer_config.json as chat_template, or write the prompt as the page of the model says',
    });
  }
  // Files write a line break in a string of Jinja as itself or as \n.
  const match = CHAT_ML.exec(template.replaceAll('\\n', '\n'));
  if (match === null) {
    throw new HeedError('UNSUPPORTED', `the chat template is not ChatML: ${template.slice(0, 80)}…`, {
      remedy: 'render it with @huggingface/jinja, and give the text to encode()',
    });
  }
  const [, system] = match;
  const hasSystem = messages[0]?.role === 'system';
  const all: readonly ChatMessage[] =
    system === undefined || hasSystem || messages.length === 0
      ? messages
      : [{ role: 'system', content: system }, ...messages];
  const turns = all.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`);
  return `${turns.join('')}<|im_start|>assistant\n`;
}
