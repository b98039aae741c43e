import { describe, expect, test } from 'vitest';
import { loadBatchCapture, loadCapture, loadCapturedBlock, loadCapturedEmbeddings } from './captures.ts';

describe('captures of the sentence model', () => {
  test.each([
    ['bank-river', 10, [0, 1, 2, 3, 4, 5], 6],
    ['bank-money', 8, [0, 1, 2, 3, 4, 5], 6],
    ['passage', 116, [0, 5], 1],
  ] as const)('%s has %i tokens and layers %j, %i with weights', async (name, length, layers, weighted) => {
    const capture = await loadCapture(name);
    expect(capture.tokens).toHaveLength(length);
    expect(capture.layers.map(({ layer }) => layer)).toEqual(layers);
    for (const layer of capture.layers) {
      for (const tensor of [layer.query, layer.key, layer.value, layer.output]) {
        expect(tensor.shape).toEqual([1, 12, length, 32]);
      }
      expect(layer.logSumExp.shape).toEqual([1, 12, length]);
    }
    const weights = capture.layers.flatMap((layer) => layer.weights ?? []);
    expect(weights.map(({ shape }) => shape)).toEqual(
      Array.from({ length: weighted }, () => [1, 12, length, length]),
    );
  });

  test("'bank' attends to 'river' in head 4 of layer 0, with weight 0.523", async () => {
    const { tokens, layers } = await loadCapture('bank-river');
    const at = (4 * 10 + tokens.indexOf('bank')) * 10 + tokens.indexOf('river');
    expect(layers[0]!.weights!.data[at]).toBeCloseTo(0.523, 3);
  });

  test('the batch masks the padding of the shorter text', async () => {
    const { tokens, layers } = await loadBatchCapture();
    expect(Array.from(layers[0]!.mask!.data, Boolean)).toEqual(
      tokens.flat().map((token) => token !== '[PAD]'),
    );
  });

  test('the block has square projections; its heads fill the width', async () => {
    const block = await loadCapturedBlock();
    expect(block.heads * block.headDim).toBe(384);
    for (const part of ['query', 'key', 'value', 'output'] as const) {
      expect(block[part].weight.shape).toEqual([384, 384]);
      expect(block[part].bias.shape).toEqual([384]);
    }
    expect(block.expected.shape).toEqual(block.input.shape);
  });

  test('embeddings have length 1 and the cosines that the file states', async () => {
    const { embedding, cosine } = await loadCapturedEmbeddings();
    const vector = (i: number): Float32Array => embedding.data.subarray(i * 384, (i + 1) * 384);
    for (const [i, row] of cosine.entries()) {
      for (const [j, stated] of row.entries()) expect(dot(vector(i), vector(j))).toBeCloseTo(stated, 6);
    }
  });
});

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, d) => sum + x * b[d]!, 0);
}
