import { openAsBlob, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { type GGUFFile, openGGUF } from '../index.ts';

const CASES = new URL('../../cases/smollm2.json', import.meta.url);

/** A text of the oracle: the same model in float64, on weights as decoded (Apache-2.0, as the model). */
export interface Case {
  readonly text: string;
  readonly ids: readonly number[];
  readonly meanNegativeLogLikelihood: number;
  /** 24 tokens, each the most likely one, and their text. */
  readonly greedy: readonly number[];
  readonly greedyText: string;
  /** Weights of the last token of the text, one list for each head. */
  readonly layer0LastRowWeights: readonly (readonly number[])[];
}

export function smolCases(): readonly Case[] {
  return (JSON.parse(readFileSync(CASES, 'utf8')) as { readonly cases: readonly Case[] }).cases;
}

/** The file that `provision` puts into the machine's cache. */
export async function openSmolLM2(): Promise<GGUFFile> {
  const cache = process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache');
  const file = path.join(cache, 'heed', 'SmolLM2-135M-Instruct', 'SmolLM2-135M-Instruct.Q4_1.gguf');
  try {
    return await openGGUF(await openAsBlob(file));
  } catch (cause) {
    throw new Error(`${file} cannot be read: run pnpm --filter @heed/models provision`, { cause });
  }
}
