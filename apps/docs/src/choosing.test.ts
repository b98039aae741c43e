import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AttentionBackend, type BackendProvider, FEATURES, type Feature } from '@heed/core';
import { afterAll, describe, expect, test } from 'vitest';
import { absentEngine } from './absent-engine.ts';
import { ROOT } from './blocks.ts';

/** Features of the row on masks, biases and windows. */
const EVERYDAY: readonly Feature[] = [
  ...(['mask.boolean', 'mask.float', 'bias', 'alignment.bottomRight', 'alignment.offset', 'causal'] as const),
  ...(['window', 'lengths.key', 'lengths.query', 'segments', 'alibi', 'softcap', 'sinks'] as const),
];
const SMALL_CACHES = FEATURES.filter((feature) => /^cache\.(?!shared)|^pages$/.test(feature));

type Answer = (backend: AttentionBackend) => boolean;

const declares =
  (...features: readonly Feature[]): Answer =>
  ({ capabilities }) =>
    features.every((feature) => capabilities.features.includes(feature));

/** A row's question, by the words of its first cell. */
const ROWS: Readonly<Record<string, Answer>> = {
  float32: ({ capabilities }) => capabilities.dtypes.includes('float32'),
  float64: ({ capabilities }) => capabilities.dtypes.includes('float64'),
  'float16, bfloat16': ({ capabilities: { dtypes } }) =>
    dtypes.includes('float16') && dtypes.includes('bfloat16'),
  'every mask, bias, window, ALiBi, softcap, sinks': declares(...EVERYDAY),
  gradients: declares('gradient'),
  "sampling one key a row (`selection: 'sample'`)": declares('selection.sample'),
  'dropout of the weights in training': declares('dropout'),
  '[linear projections](../../../../conformance/SPEC.md#linear) on the engine': ({ capabilities }) =>
    capabilities.operations.includes('linear'),
  '[residuals](../../../../conformance/SPEC.md#linear) and [norms](../../../../conformance/SPEC.md#norm) on the engine: whole blocks stay there':
    ({ capabilities: { operations } }) =>
      operations.includes('linear.residual') && operations.includes('norm'),
  '[rotary embeddings](../../../../conformance/SPEC.md#rotary), [rows of a weight](../../../../conformance/SPEC.md#embedding), [dropout of elements](../../../../conformance/SPEC.md#elementdropout), [gates](../../../../conformance/SPEC.md#linear) on the engine':
    ({ capabilities: { operations } }) =>
      operations.includes('rotary') &&
      operations.includes('embedding') &&
      operations.includes('elementDropout') &&
      operations.includes('linear.gate'),
  'weights of projections in 16 bits or in blocks of 8 and 4': ({ capabilities }) =>
    ['float16', 'bfloat16', 'q8_0', 'q4_0', 'q4_1'].every((type) =>
      (capabilities.weightTypes as readonly string[]).includes(type),
    ),
  'caches in 16 bits beside float32, `int8`, 4 bits, pages': declares(...SMALL_CACHES),
  'caches that a batch shares': declares('cache.shared'),
  'caches as rings, values inside keys (`ring`, `valueFromKey`)': declares('ring', 'valueFromKey'),
  'the same bits again, in any batch': ({ capabilities: { guarantees } }) =>
    guarantees.includes('repeat') && guarantees.includes('batch'),
};

const page = readFileSync(path.join(ROOT, 'apps/docs/site/guide/choosing-a-backend.md'), 'utf8');
const lines = page.slice(page.indexOf('## By problem'), page.indexOf('`supports(problem)`')).split('\n');
const [[, ...names] = [], , ...rows] = lines
  .filter((line) => line.startsWith('|'))
  .map((line) => line.split('|').slice(1, -1))
  .map((cells) => cells.map((cell) => cell.trim()));

test('every row has a question, and every question a row', () => {
  expect(rows.map(([row]) => row)).toEqual(Object.keys(ROWS));
});

describe.each(names)('%s has what "Choosing a backend" says', (name) => {
  let backend: AttentionBackend | undefined;
  afterAll(() => backend?.dispose());

  test('row by row', async ({ skip }) => {
    const absence = await absentEngine(`from '@heed/backend-${name}'`);
    if (absence !== null) skip(absence);
    const { default: provider } = (await import(`@heed/backend-${name}`)) as { default: BackendProvider };
    backend = await provider.create();
    const column = names.indexOf(name) + 1;
    const said = Object.fromEntries(rows.map((cells) => [cells[0], cells[column]]));
    const declared = Object.entries(ROWS).map(([row, answer]) => [row, answer(backend!) ? 'yes' : '–']);
    expect(said).toEqual(Object.fromEntries(declared));
  });
});
