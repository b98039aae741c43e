import { type Capture } from '@heed/conformance';
import { HeedError } from '@heed/core';
import { Bert, type ModelFiles } from '../model/bert.ts';
import { backendOf, keepCapture, outcomeOf } from './engine.ts';
import { refuseGGUF } from './attention-list.ts';
import { parseJSON } from './json-file.ts';
import type { Outcome } from './question.ts';

/** Properties of a model that the page needs. */
export interface ModelState {
  readonly heads: number;
  readonly layers: number;
}

let model: Bert | null = null;

/** Reads the files of a model that somebody dropped on the page. They stay in this worker. */
export async function loadModel(files: readonly File[], heads: number | null): Promise<Outcome<ModelState>> {
  return outcomeOf(async () => {
    model = await Bert.load(await backendOf('ts'), await sorted(files), heads === null ? {} : { heads });
    return { heads: model.heads, layers: model.layerCount };
  });
}

/** Runs the model on a text; its layers are then available as the capture `own`. */
export async function runModel(text: string, backend: string): Promise<Outcome<readonly string[]>> {
  return outcomeOf(async () => {
    if (model === null)
      throw new HeedError('ARGUMENT', 'the model is missing', { remedy: 'choose its files first' });
    const { tokens, layers } = await model.run(await backendOf(backend), text);
    keepCapture({ text, tokens, layers: layers as unknown as Capture['layers'] });
    return tokens;
  });
}

async function sorted(files: readonly File[]): Promise<ModelFiles> {
  refuseGGUF(files);
  const find = (end: string): File | undefined => files.find(({ name }) => name.endsWith(end));
  const [weights, tokenizer, config] = [
    find('.safetensors'),
    find('tokenizer.json'),
    files.find(({ name }) => name === 'config.json'),
  ];
  if (weights === undefined || tokenizer === undefined) {
    const missing = weights === undefined ? 'a .safetensors file' : 'tokenizer.json';
    throw new HeedError('ARGUMENT', `${missing} is missing`, {
      remedy: 'choose model.safetensors, tokenizer.json and config.json together',
    });
  }
  return {
    weights,
    tokenizer: await parseJSON(tokenizer),
    ...(config !== undefined && { config: await parseJSON(config) }),
  };
}
