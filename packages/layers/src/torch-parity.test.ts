import ts from '@heed/backend-ts';
import { type Tensor, tensor } from '@heed/core';
import { test } from 'vitest';
import { type Encoded, decode, decodeAll, expectClose, floats, readCases } from './test/captures.ts';
import { MultiHeadAttention, type MultiHeadAttentionOptions } from './index.ts';

interface TorchCase {
  readonly name: string;
  readonly options: MultiHeadAttentionOptions;
  readonly inputs: { readonly query: Encoded; readonly key?: Encoded; readonly value?: Encoded };
  readonly mask: Encoded | null;
  readonly keyPaddingMask: Encoded | null;
  readonly stateDict: Readonly<Record<string, Encoded>>;
  readonly output: Encoded;
  readonly weights: Encoded;
  readonly dOutput: Encoded;
  readonly dInputs: Readonly<Record<string, Encoded>>;
  readonly dStateDict: Readonly<Record<string, Encoded>>;
}

const { source, cases } = readCases<{ source: string; cases: readonly TorchCase[] }>(
  'torch-multi-head-attention',
);

/** PyTorch's true is "ignore"; its third axis is batch and heads together. */
function maskOf(encoded: Encoded): Tensor {
  const mask = decode(encoded);
  const shape = mask.shape.length === 3 ? [2, 4, ...mask.shape.slice(1)] : mask.shape;
  return mask.dtype === 'bool'
    ? tensor(
        Uint8Array.from(mask.data, (ignored) => 1 - ignored),
        shape,
      )
    : ({ ...mask, shape } as Tensor);
}

test.each(cases)(`${source}: $name`, async (torch) => {
  const layer = new MultiHeadAttention(torch.options);
  layer.loadStateDict(decodeAll(torch.stateDict));
  const { query, key, value } = torch.inputs;
  const { output, weights, gradient } = await layer.forward(
    await ts.create(),
    {
      query: floats(query),
      key: key && floats(key),
      value: value && floats(value),
      mask: torch.mask ? maskOf(torch.mask) : undefined,
      keyMask: torch.keyPaddingMask ? maskOf(torch.keyPaddingMask) : undefined,
    },
    { weights: true, gradient: true },
  );
  expectClose('output', output, decode(torch.output));
  expectClose('weights', weights, decode(torch.weights));

  const { dQuery, dKey, dValue, parameters } = await gradient(floats(torch.dOutput));
  const dInputs = { query: dQuery, key: dKey, value: dValue };
  for (const [name, expected] of Object.entries(torch.dInputs)) {
    expectClose(name, dInputs[name as keyof typeof dInputs]!, decode(expected));
  }
  // The gradients of PyTorch's parameters, brought to our names by the loader itself.
  const expected = new MultiHeadAttention(torch.options);
  expected.loadStateDict(decodeAll(torch.dStateDict));
  for (const [name, gradientOfTorch] of Object.entries(expected.parameters)) {
    expectClose(name, parameters[name], gradientOfTorch);
  }
});
