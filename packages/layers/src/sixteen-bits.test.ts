import ts from '@heed/backend-ts';
import { type Tensor, cast, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import { LayerNorm, Linear, MultiHeadAttention, RMSNorm, type StateDict, TransformerBlock } from './index.ts';

/** Layers compute in float32 and float64; files of 16 bits are read as float32. */
const TYPES = ['float16', 'bfloat16'] as const;

interface Loads {
  readonly parameters: Readonly<Record<string, Tensor>>;
  loadStateDict(stateDict: StateDict): void;
}

const LAYERS: Readonly<Record<string, () => Loads>> = {
  Linear: () => new Linear({ inputDim: 8, outputDim: 4 }),
  LayerNorm: () => new LayerNorm({ embedDim: 8 }),
  RMSNorm: () => new RMSNorm({ embedDim: 8 }),
  MultiHeadAttention: () => new MultiHeadAttention({ embedDim: 8, heads: 2 }),
  TransformerBlock: () => new TransformerBlock({ embedDim: 8, heads: 2, hiddenDim: 16 }),
};

const input = tensor(new Float32Array(48).fill(0.25), [2, 3, 8]);

test.each(TYPES.flatMap((dtype) => Object.keys(LAYERS).map((name) => [name, dtype] as const)))(
  '%s: parameters in %s are refused with the remedy, which helps',
  (name, dtype) => {
    const layer = LAYERS[name]!();
    const before = structuredClone(layer.parameters);
    const narrow = Object.fromEntries(
      Object.entries(layer.parameters).map(([key, value]) => [key, cast(value, dtype)]),
    );
    const load = (): void => layer.loadStateDict(narrow);
    expect(load).toThrow(
      expect.objectContaining({ code: 'DTYPE', remedy: expect.stringContaining('cast(') }),
    );
    expect(layer.parameters).toEqual(before);
    const wide = Object.entries(narrow).map(([key, value]) => [key, cast(value, 'float32')]);
    layer.loadStateDict(Object.fromEntries(wide));
    expect(layer.parameters).toEqual(Object.fromEntries(wide));
  },
);

test.each(TYPES)('inputs in %s are refused with the remedy', async (dtype) => {
  const backend = await ts.create();
  const refused = expect.objectContaining({ code: 'DTYPE', remedy: expect.stringContaining('cast(') });
  const narrow = cast(input, dtype) as never;
  expect(() => new Linear({ inputDim: 8, outputDim: 4 }).forward(narrow)).toThrow(refused);
  expect(() => new LayerNorm({ embedDim: 8 }).forward(narrow)).toThrow(refused);
  const attention = new MultiHeadAttention({ embedDim: 8, heads: 2 });
  await expect(attention.forward(backend, { query: narrow })).rejects.toThrow(refused);
  const block = new TransformerBlock({ embedDim: 8, heads: 2, hiddenDim: 16 });
  await expect(block.forward(backend, { input: narrow })).rejects.toThrow(refused);
  await backend.dispose();
});
