import { loadCapturedBlock, loadCapturedEmbeddings } from '@heed/conformance';
import { MultiHeadAttention } from '@heed/layers';
import { sentenceEmbeddings } from '@heed/models';
import { describe, expect, test } from 'vitest';
import { isRequired } from '@heed/testing';
import { absenceOf } from '../absent.ts';
import { BACKENDS, createBackend } from '../backends.ts';
import { cosine } from './cosine.ts';
import { loadSentenceModel, provisionedFolder, sentenceFault } from './sentence-model.ts';

const fault = isRequired('all') ? null : sentenceFault(provisionedFolder);
const names = await Promise.all(BACKENDS.map(async (name) => [name, await absenceOf(name)] as const));

describe.each(names)('%s', (name, absence) => {
  test('all-MiniLM-L6-v2: five sentences, each embedding within 1e-5 of the float64 oracle', async ({
    skip,
  }) => {
    skip(absence !== null, absence ?? '');
    skip(fault !== null, fault ?? '');
    const { texts, inputIds, embedding, cosine: expected } = await loadCapturedEmbeddings();
    const backend = await createBackend(name);
    const { encoder, tokenizer } = await loadSentenceModel(backend, provisionedFolder);
    texts.forEach((text, n) => {
      const ids = tokenizer.encode(text);
      expect(ids).toEqual(inputIds[n].slice(0, ids.length));
    });
    const embeddings = await sentenceEmbeddings(encoder, tokenizer, texts);
    const error = Math.max(...embeddings.data.map((value, n) => Math.abs(value - embedding.data[n])));
    expect(error).toBeLessThanOrEqual(1e-5);
    // The river's bank, the bank's loan, the river's edge, the borrowed money.
    expect(cosine(embeddings, 0, 2)).toBeCloseTo(0.423, 3);
    expect(cosine(embeddings, 0, 1)).toBeCloseTo(0.343, 3);
    expect(cosine(embeddings, 0, 3)).toBeCloseTo(0.243, 3);
    expected.forEach((row, a) =>
      row.forEach((value, b) => expect(cosine(embeddings, a, b)).toBeCloseTo(value, 5)),
    );
    await backend.dispose();
  });

  test('the trained block of layer 5: error ≤ 2e-6', async ({ skip }) => {
    skip(absence !== null, absence ?? '');
    const { input, expected, heads, query, key, value, output: out } = await loadCapturedBlock();
    const backend = await createBackend(name);
    const layer = new MultiHeadAttention({ embedDim: 384, heads });
    layer.loadStateDict(
      Object.fromEntries(
        Object.entries({ query, key, value, output: out }).flatMap(([projection, { weight, bias }]) => [
          [`${projection}.weight`, weight],
          [`${projection}.bias`, bias],
        ]),
      ),
    );
    const { output } = await layer.forward(backend, { query: input });
    const error = Math.max(...output.data.map((number, n) => Math.abs(number - expected.data[n])));
    expect(error).toBeLessThanOrEqual(2e-6);
    await backend.dispose();
  });
});
