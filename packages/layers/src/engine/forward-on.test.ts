import ts from '@heed/backend-ts';
import { type AttentionBackend, type Tensor, tensor } from '@heed/core';
import { describe, expect, test, vi } from 'vitest';
import { Embedding, LayerNorm, Linear, RMSNorm, seededRandom } from '../index.ts';
import type { FloatTensor } from '../tensors.ts';

const scalar = await ts.create();
const compile = vi.fn<NonNullable<AttentionBackend['linear']>['compile']>(scalar.linear!.compile);
/** A backend whose projections layers use. */
const engine = Object.create(scalar, { linear: { value: { compile } } }) as AttentionBackend;
/** A backend that offers attention alone. */
const attentionOnly = Object.create(scalar, {
  linear: { value: undefined },
  norm: { value: undefined },
}) as AttentionBackend;

const refused = { compile: () => Promise.reject(new Error('float64 is refused')) };
/** A backend that has projections and norms, of float32 alone. */
const singles = Object.create(scalar, {
  capabilities: { value: { ...scalar.capabilities, dtypes: ['float32'] } },
  linear: { value: refused },
  norm: { value: refused },
}) as AttentionBackend;

/** `[1, rows, 24]`. */
function input(seed: number, rows: number, width = 24): Tensor<'float64'> {
  const random = seededRandom(seed);
  return tensor(
    Float64Array.from({ length: rows * width }, () => 2 * random() - 1),
    [1, rows, width],
  );
}

function difference({ data, shape }: FloatTensor, other: FloatTensor): number {
  expect(shape).toEqual(other.shape);
  return Math.max(...Array.from(data, (value, n) => Math.abs(value - other.data[n]!)));
}

const offset = new RMSNorm({ embedDim: 24, unitOffset: true, dtype: 'float64' });
offset.parameters.weight.data.set(input(9, 1).data);

const words = new Embedding({ count: 40, embedDim: 24, dtype: 'float64', random: seededRandom(4) });
/** The scores of an embedding, as a layer. */
const scores = {
  forward: words.scores.bind(words),
  gradient: words.scoresGradient.bind(words),
  forwardOn: words.scoresOn.bind(words),
} satisfies Pick<Linear, 'forward' | 'gradient' | 'forwardOn'>;

describe.each([
  ['Linear', new Linear({ inputDim: 24, outputDim: 40, dtype: 'float64', random: seededRandom(1) }), 40],
  ['Linear without a bias', new Linear({ inputDim: 24, outputDim: 8, bias: false, dtype: 'float64' }), 8],
  ['LayerNorm', new LayerNorm({ embedDim: 24, dtype: 'float64' }), 24],
  ['LayerNorm without a bias', new LayerNorm({ embedDim: 24, bias: false, dtype: 'float64' }), 24],
  ['RMSNorm', new RMSNorm({ embedDim: 24, dtype: 'float64' }), 24],
  ['RMSNorm with an offset', offset, 24],
  ['scores of an embedding', scores, 40],
] as const)('%s', (_, layer, width) => {
  test.each([
    ['an engine', engine],
    ['ts', scalar],
    ['a backend without operations', attentionOnly],
    ['a backend of another type', singles],
  ])('on %s, output and gradients are those of the layer', async (__, backend) => {
    for (const rows of [1, 64]) {
      const given = input(2, rows);
      const dOutput = input(3, rows, width);
      const expected = layer.gradient(given, dOutput);
      const { output, gradient } = await layer.forwardOn(backend, given, { gradient: true });
      expect(difference(output, layer.forward(given))).toBeLessThan(1e-12);
      for (const time of ['first', 'second']) {
        const { dInput, parameters } = await gradient(dOutput);
        expect(difference(dInput, expected.dInput), time).toBeLessThan(1e-12);
        expect(Object.keys(parameters)).toEqual(Object.keys(expected.parameters));
        for (const [name, tensorOf] of Object.entries(parameters)) {
          expect(difference(tensorOf, expected.parameters[name]), name).toBeLessThan(1e-12);
        }
      }
      const alone = await layer.forwardOn(backend, given);
      expect(difference(alone.output, output)).toBe(0);
      expect('gradient' in alone).toBe(false);
    }
  });

  test('arguments are checked, and an aborted call computes nothing', async () => {
    await expect(layer.forwardOn(engine, [[1]])).rejects.toMatchObject({ code: 'SHAPE' });
    await expect(layer.forwardOn({} as never, input(2, 1))).rejects.toMatchObject({ code: 'ARGUMENT' });
    await expect(layer.forwardOn(engine, input(2, 1), { signals: 1 } as never)).rejects.toMatchObject({
      code: 'UNKNOWN_OPTION',
    });
    const { gradient } = await layer.forwardOn(engine, input(2, 64), { gradient: true });
    await expect(gradient(input(3, 64, 3))).rejects.toMatchObject({ code: 'SHAPE' });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(layer.forwardOn(attentionOnly, input(2, 64), { signal })).rejects.toThrow('enough');
  });
});

test('many rows, and every call of a frozen layer, are computed on the backend', async () => {
  compile.mockClear();
  const layer = new Linear({ inputDim: 24, outputDim: 3, dtype: 'float64' });
  await layer.forwardOn(engine, input(2, 63));
  expect(compile).not.toHaveBeenCalled();
  await layer.forwardOn(engine, input(2, 64));
  expect(compile).toHaveBeenCalledOnce();
  const frozen = new Linear({ inputDim: 24, outputDim: 3, dtype: 'float64' }).freeze();
  await frozen.forwardOn(engine, input(2, 1));
  expect(compile).toHaveBeenCalledTimes(2);
  const rows = new Embedding({ count: 3, embedDim: 24, dtype: 'float64' });
  await rows.scoresOn(engine, input(2, 1));
  expect(compile).toHaveBeenCalledTimes(2);
  await rows.freeze().scoresOn(engine, input(2, 1));
  expect(compile).toHaveBeenCalledTimes(3);
});
