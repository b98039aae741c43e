import type { Capture } from '@heed/conformance';
import { type AttentionBackend, type BackendProvider, attention } from '@heed/core';
import { type HeatmapView, heatmap } from '@heed/heatmap';

/** Attention of one word in one sentence, with the whole matrix. */
export interface Example {
  readonly text: string;
  readonly tokens: readonly string[];
  /** [query][key], one head. */
  readonly weights: readonly (readonly number[])[];
  readonly from: string;
  /** The token that the word attends to most. */
  readonly to: string;
  readonly weight: number;
}

/** A head in which "bank" looks for what kind of bank it is. */
export const LAYER = 0;
export const HEAD = 4;
const WORD = 'bank';

/** Computes the weights of {@link HEAD} in {@link LAYER} on a backend, for each sentence. */
export async function examplesOf(
  provider: BackendProvider,
  captures: readonly Capture[],
): Promise<Example[]> {
  const backend = await provider.create();
  try {
    const examples: Example[] = [];
    for (const capture of captures) examples.push(await exampleOf(backend, capture));
    return examples;
  } finally {
    await backend.dispose();
  }
}

async function exampleOf(backend: AttentionBackend, { text, tokens, layers }: Capture): Promise<Example> {
  const { query, key, value, scale } = layers[LAYER]!;
  const { weights } = await attention(backend, { query, key, value, scale, output: false, weights: true });
  const length = tokens.length;
  const rows = tokens.map((_, i) => {
    const start = (HEAD * length + i) * length;
    return Array.from(weights.data.subarray(start, start + length));
  });
  const row = rows[tokens.indexOf(WORD)]!;
  const best = row.reduce((most, weight, j) => (weight > row[most]! ? j : most), 0);
  return { text, tokens, weights: rows, from: WORD, to: tokens[best]!, weight: row[best]! };
}

/** Draws the matrix with the word's row highlighted. Pictures with one domain can be compared. */
export function viewOf(
  { text, tokens, weights, from, to }: Example,
  domain: readonly [number, number],
): HeatmapView {
  const shape = [tokens.length, tokens.length];
  return heatmap(
    { dtype: 'float64', shape, data: Float64Array.from(weights.flat()) },
    {
      rows: tokens,
      columns: tokens,
      title: `“${text}”`,
      domain,
      highlight: { row: tokens.indexOf(from), column: tokens.indexOf(to) },
    },
  );
}

/** Domain from 0 to the largest weight of all, or to 1 if a faulty backend returned none. */
export function sharedDomain(examples: readonly Example[]): readonly [number, number] {
  const weights = examples.flatMap((example) => example.weights.flat()).filter(Number.isFinite);
  return [0, Math.max(0, ...weights) || 1];
}
