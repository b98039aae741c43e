import type { AttentionBackend } from '@heed/core';
import { Decoder, type TextTokenizer, ggufTokenizer, openGGUF } from '@heed/models';
import { existsSync, openAsBlob } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** File where `provision` puts SmolLM2-135M-Instruct (Apache-2.0). */
export const provisionedFile: string = path.join(
  process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'),
  'heed',
  'SmolLM2-135M-Instruct',
  'SmolLM2-135M-Instruct.Q4_1.gguf',
);

/** Reason that a file cannot be used, with the remedy; null if it can. */
export function fileFault(file: string): string | null {
  return existsSync(file) ? null : `${file} is missing: name a GGUF file, or run the script "provision"`;
}

/** Loads a decoder and its tokenizer from a GGUF file. */
export async function loadText(
  backend: AttentionBackend,
  location: string,
): Promise<{ readonly model: Decoder; readonly tokenizer: TextTokenizer }> {
  const file = await openGGUF(await openAsBlob(location));
  return { model: await Decoder.load(backend, file), tokenizer: ggufTokenizer(file) };
}
