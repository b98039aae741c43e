import { HeedError, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { readCases } from '../test/captures.ts';
import { Adam, AdamW, type Optimizer, SGD, cosineSchedule, linearSchedule } from '../index.ts';

const values = (...numbers: number[]) => tensor(new Float64Array(numbers), [numbers.length]);

/** Parameters after these steps along the gradients of Σ x⁴ / 4. */
function after(steps: number, optimizer: Optimizer): number[] {
  const parameters = { x: values(1, -2) };
  for (let step = 0; step < steps; step++) {
    optimizer.step(parameters, { x: values(...parameters.x.data.map((x) => x ** 3)) });
  }
  return [...parameters.x.data];
}

// Computed by torch 2.15.0 in float64: torch.optim.NAME([x], …) on x = [1, -2], loss = (x ** 4 / 4).sum(), three steps.
test.each([
  ['SGD', new SGD({ learningRate: 0.05 }), [0.8698079196040256, -1.2594063671296]],
  [
    'SGD with momentum',
    new SGD({ learningRate: 0.05, momentum: 0.9 }),
    [0.7510095476937423, -0.47141196328959983],
  ],
  ['Adam', new Adam({ learningRate: 0.1 }), [0.7075128180498821, -1.7025794861609804]],
  ['AdamW', new AdamW({ learningRate: 0.1, weightDecay: 0.2 }), [0.6571086961919386, -1.5925595257433653]],
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

describe('AdamW with a rate for each step takes the steps of PyTorch', () => {
  const { adamW } = readCases<{ adamW: Readonly<Record<string, readonly number[]>> }>('torch-block-parts');
  const plan = { learningRate: 0.05, steps: 10, warmup: 3 };
  test.each([
    ['constant', 0.05],
    ['cosine', cosineSchedule(plan)],
    ['linear', linearSchedule(plan)],
  ] as const)('%s', (name, learningRate) => {
    const optimizer = new AdamW({
      learningRate,
      beta1: 0.8,
      beta2: 0.95,
      epsilon: 1e-6,
      weightDecay: (parameter) => (parameter === 'x' ? 0.1 : NaN),
    });
    const parameters = { x: values(1, -2, 0.5) };
    for (let step = 0; step < 12; step++) {
      optimizer.step(parameters, { x: values(...parameters.x.data.map((x) => x ** 3)) });
    }
    parameters.x.data.forEach((x, n) => expect(x).toBeCloseTo(adamW[name][n], 12));
  });
});

test('schedules end where they should, and refuse what has no end', () => {
  for (const schedule of [cosineSchedule, linearSchedule]) {
    const rate = schedule({ learningRate: 2, steps: 4, warmup: 2, finalRate: 1 });
    expect([0, 1, 2, 3, 4, 9].map((step) => Number(rate(step).toFixed(9)))).toEqual([0, 1, 2, 1.5, 1, 1]);
    const wrong = () => schedule({ learningRate: 1, steps: 4, warmup: 4 });
    expect(wrong).toThrow(expect.objectContaining({ code: 'ARGUMENT' }) as Error);
  }
});
