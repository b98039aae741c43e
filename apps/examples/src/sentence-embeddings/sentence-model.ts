import type { AttentionBackend } from '@heed/core';
import { openSafetensors } from '@heed/layers';
import { Encoder, type TextTokenizer, hubTokenizer } from '@heed/models';
import { openAsBlob } from 'node:fs';
import path from 'node:path';
import { folderFault, provisioned, readJSON } from '../model-files.ts';

/** Folder where `provision` puts all-MiniLM-L6-v2 (Apache-2.0). */
export const provisionedFolder: string = provisioned('all-MiniLM-L6-v2');

/** Reason that a folder cannot be used, with the remedy; null if it can. */
export function sentenceFault(folder: string): string | null {
  return folderFault(folder, ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']);
}

/** Loads a sentence model and its tokenizer from a folder with the files of its page on the hub. */
export async function loadSentenceModel(
  backend: AttentionBackend,
  folder: string,
): Promise<{ readonly encoder: Encoder; readonly tokenizer: TextTokenizer }> {
  const weights = await openSafetensors(await openAsBlob(path.join(folder, 'model.safetensors')));
  return {
    encoder: await Encoder.load(backend, { config: await readJSON(folder, 'config.json'), weights }),
    tokenizer: hubTokenizer(
      await readJSON(folder, 'tokenizer.json'),
      await readJSON(folder, 'tokenizer_config.json'),
    ),
  };
}
