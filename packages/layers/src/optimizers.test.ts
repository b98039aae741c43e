import { HeedError, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import { Adam, SGD } from './index.ts';

const values = (...numbers: number[]) => tensor(new Float64Array(numbers), [numbers.length]);

/** The parameters after the gradients of Σ x⁴ / 4 have been followed. */
function after(steps: number, optimizer: Adam | SGD): number[] {
  const parameters = { x: values(1, -2) };
  for (let step = 0; step < steps; step++) {
    optimizer.step(parameters, { x: values(...parameters.x.data.map((x) => x ** 3)) });
  }
  return [...parameters.x.data];
}

// By torch 2.15.0 in float64: torch.optim.NAME([x], …) on x = [1, -2], loss = (x ** 4 / 4).sum(), three steps.
test.each([
  ['SGD', new SGD({ learningRate: 0.05 }), [0.8698079196040256, -1.2594063671296]],
  [
    'SGD with momentum',
    new SGD({ learningRate: 0.05, momentum: 0.9 }),
    [0.7510095476937423, -0.47141196328959983],
  ],
  ['Adam', new Adam({ learningRate: 0.1 }), [0.7075128180498821, -1.7025794861609804]],
  ['AdamW', new Adam({ learningRate: 0.1, weightDecay: 0.2 }), [0.6571086961919386, -1.5925595257433653]],
])('%s takes the steps of PyTorch', (_, optimizer, expected) => {
  after(3, optimizer).forEach((x, n) => expect(x).toBeCloseTo(expected[n], 12));
});

test('gradients without a parameter are refused, and nothing is changed', () => {
  const parameters = { x: values(1) };
  const sgd = new SGD({ learningRate: 1 });
  const code = (gradients: Record<string, ReturnType<typeof values>>) => {
    try {
      sgd.step(parameters, gradients);
      return 'none';
    } catch (error) {
      return HeedError.isInstance(error) ? error.code : 'other';
    }
  };
  expect(code({ x: values(1), y: values(1) })).toBe('UNEXPECTED_INPUT');
  expect(code({ x: values(1, 2) })).toBe('SHAPE');
  expect(parameters.x.data[0]).toBe(1);
  expect(() => new Adam({ learningRate: NaN })).toThrow(
    expect.objectContaining({ code: 'ARGUMENT' }) as Error,
  );
});
