import { readFileSync } from 'node:fs';
import ts from '@heed/backend-ts';
import { type Tensor, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import {
  type FloatTensor,
  MultiHeadAttention,
  type MultiHeadAttentionOptions,
  type StateDict,
} from './index.ts';

interface Encoded {
  readonly dtype: 'float32' | 'bool';
  readonly shape: readonly number[];
  readonly data: string;
}

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

const { source, cases } = JSON.parse(
  readFileSync(new URL('../cases/torch-multi-head-attention.json', import.meta.url), 'utf8'),
) as { source: string; cases: readonly TorchCase[] };

const TOLERANCE = 1e-5;

function decode({ dtype, shape, data }: Encoded): Tensor {
  const bytes = Uint8Array.from(Buffer.from(data, 'base64'));
  return dtype === 'bool' ? tensor(bytes, shape) : tensor(new Float32Array(bytes.buffer), shape);
}

const floats = (encoded: Encoded): FloatTensor => decode(encoded) as FloatTensor;
const decodeAll = (all: Readonly<Record<string, Encoded>>): StateDict =>
  Object.fromEntries(Object.entries(all).map(([name, encoded]) => [name, decode(encoded)]));

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

function expectClose(name: string, actual: Tensor, expected: Tensor): void {
  expect(actual.shape, name).toEqual(expected.shape);
  const error = Math.max(...Array.from(actual.data, (value, n) => Math.abs(value - expected.data[n])));
  expect(error, name).toBeLessThanOrEqual(TOLERANCE);
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
