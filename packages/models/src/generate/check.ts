import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import type { Decoder } from '../decoder/decoder.ts';

/** @throws HeedError `ARGUMENT` for what is not a decoder: most often `await` was forgotten. */
export function checkModel(owner: string, given: unknown): void {
  const model = given as Partial<Decoder> | null | undefined;
  if (typeof model?.run === 'function' && typeof model.config?.vocabulary === 'number') return;
  throw new HeedError('ARGUMENT', `${owner}: the model is ${shown(given)}; expected a Decoder`, {
    remedy: 'await it: const model = await Decoder.load(backend, file)',
  });
}

/** @throws HeedError `ARGUMENT` for what is neither a text nor an array of ids. */
export function checkPrompt(owner: string, given: unknown): void {
  if (typeof given === 'string') return;
  if (Array.isArray(given) && given.every((id) => Number.isSafeInteger(id) && (id as number) >= 0)) return;
  throw new HeedError('ARGUMENT', `${owner}: the prompt is ${shown(given)}; expected a text or its ids`, {
    remedy: 'give what tokenizer.encode() or tokenizer.chat() returns',
  });
}
