import ts from '@heed/backend-ts';
import { cast, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import {
  LayerNorm,
  Linear,
  type NamedTensors,
  TransformerBlock,
  assignParameters,
  collectParameters,
  readSafetensors,
  writeSafetensors,
} from '../index.ts';

function model() {
  const blocks = [0, 1].map(() => new TransformerBlock({ embedDim: 4, heads: 2, hiddenDim: 4 }));
  const norm = new LayerNorm({ embedDim: 4, dtype: 'float64' });
  return { blocks, norm, parameters: collectParameters({ blocks, norm }) };
}

const numbers = (parameters: NamedTensors): number[] =>
  Object.values(parameters).flatMap(({ data }) => Array.from(data));

test('parameters of a model go to a file and into another model, which then computes the same', async () => {
  await using backend = await ts.create();
  const [one, other] = [model(), model()];
  const input = tensor(
    Float32Array.from({ length: 8 }, (_, n) => Math.sin(n)),
    [1, 2, 4],
  );
  const outputs = async ({ blocks }: typeof one): Promise<ArrayLike<number>> =>
    (await blocks[1]!.forward(backend, { input, causal: true })).output.data;
  expect(await outputs(other)).not.toEqual(await outputs(one));
  assignParameters(other.parameters, readSafetensors(writeSafetensors(one.parameters)).stateDict(''));
  expect(numbers(other.parameters)).toEqual(numbers(one.parameters));
  expect(await outputs(other)).toEqual(await outputs(one));
});

test('frozen layers, whose weights an engine has packed, compute with what was assigned', async () => {
  await using own = await ts.create();
  const backend = { ...own, linear: { ...own.linear!, scalar: false } };
  const [one, other] = [0, 1].map(() => new Linear({ inputDim: 4, outputDim: 3 })) as [Linear, Linear];
  const input = tensor(Float32Array.of(1, 2, 3, 4), [1, 4]);
  for (const layer of [one, other]) layer.freeze();
  const before = (await other.forwardOn(backend, input)).output;
  assignParameters(other.parameters, one.parameters);
  const after = (await other.forwardOn(backend, input)).output;
  expect(after).toEqual((await one.forwardOn(backend, input)).output);
  expect(after).not.toEqual(before);
});

test('what does not fit is refused, and nothing is changed', () => {
  const { parameters } = model();
  const before = numbers(parameters);
  const { 'norm.weight': weight, ...rest } = parameters;
  const zero = Object.fromEntries(
    Object.entries(parameters).map(([name, { data, shape }]) => [
      name,
      tensor(new Float32Array(data.length), shape),
    ]),
  );
  const refused: [string, () => void][] = [
    ['MISSING_INPUT', () => assignParameters(parameters, rest)],
    ['UNEXPECTED_INPUT', () => assignParameters(rest, zero)],
    [
      'SHAPE',
      () => assignParameters(parameters, { ...zero, 'norm.weight': tensor(new Float32Array(5), [5]) }),
    ],
    [
      'DTYPE',
      () =>
        assignParameters(parameters, {
          ...zero,
          'norm.weight': cast(tensor(new Float32Array(weight!.data), weight!.shape), 'float16'),
        }),
    ],
    ['ARGUMENT', () => assignParameters(parameters, Promise.resolve({}) as never)],
    ['ARGUMENT', () => assignParameters([] as never, {})],
  ];
  for (const [code, work] of refused) expect(work).toThrow(expect.objectContaining({ code }));
  expect(numbers(parameters)).toEqual(before);
});
