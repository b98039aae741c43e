import { attention } from '@heed/core';
import wasm from '@heed/backend-wasm';
import { loadCapture } from '@heed/conformance';
import { heatmap, toSVG } from '@heed/heatmap';
import { expect, test } from 'vitest';

// `vitest -u` draws it anew.
test("the README's picture is what the backend computes", async () => {
  const { tokens, layers } = await loadCapture('bank-river');
  const { query, key, value } = layers[0]!;
  const backend = await wasm.create();
  const { weights } = await attention(backend, { query, key, value, output: false, weights: true });
  const view = heatmap(weights, {
    head: 4,
    rows: tokens,
    columns: tokens,
    title: 'Where each word looks: MiniLM, layer 0, head 4',
    highlight: { row: tokens.indexOf('bank'), column: tokens.indexOf('river') },
  });
  await expect(toSVG(view)).toMatchFileSnapshot('../bank-river.svg');
});
