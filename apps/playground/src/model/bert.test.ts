import { existsSync, openAsBlob, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import ts from '@heed/backend-ts';
import { loadCapture } from '@heed/conformance';
import { HeedError } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { smallTokenizer, smallWeights } from '../test/small-model.ts';
import { Bert, type ModelFiles, type ModelOptions } from './bert.ts';

/** Folder where the script "provision" puts the model of the captures. */
const FOLDER = path.join(
  process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'),
  'heed',
  'all-MiniLM-L6-v2',
);
const json = (name: string): object => JSON.parse(readFileSync(path.join(FOLDER, name), 'utf8')) as object;
const isThere = existsSync(path.join(FOLDER, 'model.safetensors'));

describe.skipIf(!isThere)(
  `the model of the captures${isThere ? '' : `: not in ${FOLDER} (run the script "provision")`}`,
  () => {
    test.each(['bank-river', 'bank-money', 'passage'] as const)(
      '%s: queries, keys and values of all layers',
      async (name) => {
        const model = await Bert.load(await ts.create(), {
          weights: await openAsBlob(path.join(FOLDER, 'model.safetensors')),
          tokenizer: json('tokenizer.json'),
          config: json('config.json'),
        });
        const { text, tokens, layers } = await loadCapture(name);
        const ours = await model.run(await ts.create(), text);
        expect(ours.tokens).toEqual(tokens);
        for (const captured of layers) {
          const own = ours.layers[captured.layer]!;
          expect(own.scale).toBeCloseTo(captured.scale, 7);
          for (const part of ['query', 'key', 'value'] as const) {
            expect(own[part].shape).toEqual(captured[part].shape);
            const difference = own[part].data.reduce(
              (most, value, n) => Math.max(most, Math.abs(value - captured[part].data[n]!)),
              0,
            );
            expect(difference, `layer ${captured.layer}, ${part}`).toBeLessThan(1e-4);
          }
        }
      },
    );
  },
);

describe('a small model', () => {
  const blobOf = (bytes: Uint8Array): Blob => new Blob([bytes as BlobPart]);
  const files = { weights: blobOf(smallWeights()), tokenizer: smallTokenizer };
  const load = async (...given: [ModelFiles, ModelOptions?]): Promise<Bert> =>
    Bert.load(await ts.create(), ...given);

  test('words are cut into tokens that the model knows', async () => {
    const { tokens, layers } = await (
      await load(files, { heads: 2 })
    ).run(await ts.create(), 'The banks of the Rhine.');
    expect(tokens).toEqual(['[CLS]', 'the', 'bank', '##s', 'of', 'the', '[UNK]', '.', '[SEP]']);
    expect(layers.map(({ query }) => query.shape)).toEqual([
      [1, 2, 9, 4],
      [1, 2, 9, 4],
    ]);
  });

  const codeOf = async (work: () => unknown): Promise<string> => {
    try {
      await work();
    } catch (error) {
      if (HeedError.isInstance(error)) return error.code;
      throw error;
    }
    return 'none';
  };

  test.each([
    ['its configuration', { config: { model_type: 'roberta' } }],
    ['its activation', { config: { model_type: 'bert', hidden_act: 'gelu_new' } }],
    ['its positions', { config: { model_type: 'bert', position_embedding_type: 'relative_key' } }],
    ['its tensors', { weights: blobOf(smallWeights('roberta')) }],
    ['its tokenizer', { tokenizer: { ...smallTokenizer, model: { type: 'BPE', vocab: {}, merges: [] } } }],
  ])('what has the tensors of a BERT and is another model is refused, by %s', async (_, other) => {
    expect(await codeOf(() => load({ ...files, ...other }, { heads: 2 }))).toBe('ARGUMENT');
  });

  test('what does not fit is an error', async () => {
    expect(await codeOf(() => load(files))).toBe('ARGUMENT');
    expect(await codeOf(() => load(files, { heads: 3 }))).toBe('ARGUMENT');
    expect(await codeOf(() => load({ ...files, weights: blobOf(new Uint8Array(4)) }, { heads: 2 }))).toBe(
      'ARGUMENT',
    );
    const model = await load(files, { heads: 2 });
    const backend = await ts.create();
    expect(await codeOf(() => model.run(backend, 'the bank '.repeat(100)))).toBe('ARGUMENT');
  });
});
