import type { AttentionBackend } from '@heed/core';
import { openSafetensors } from '@heed/layers';
import { type TextTokenizer, Whisper, hubTokenizer } from '@heed/models';
import { openAsBlob } from 'node:fs';
import path from 'node:path';
import { readJSON } from '../model-files.ts';

/** Files of a Whisper model that are read. */
export const WHISPER_FILES: readonly string[] = [
  ...[
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ],
];

/** Loads a Whisper model and its tokenizer from a folder with the files of its page on the hub. */
export async function loadWhisper(
  backend: AttentionBackend,
  folder: string,
): Promise<{ readonly model: Whisper; readonly tokenizer: TextTokenizer }> {
  const json = (name: string): Promise<object> => readJSON(folder, name);
  const weights = await openSafetensors(await openAsBlob(path.join(folder, 'model.safetensors')));
  const [config, generation] = [await json('config.json'), await json('generation_config.json')];
  return {
    model: await Whisper.load(backend, { config, generation, weights }),
    tokenizer: hubTokenizer(await json('tokenizer.json'), await json('tokenizer_config.json')),
  };
}
