import { HeedError } from '@heed/core';
import { checkOptions, number, type OptionKind, required } from '@heed/core/backend';
import type { NamedTensors } from './parameters.ts';
import type { FloatArray, FloatTensor } from './tensors.ts';
import { leaveRaw } from './reactive.ts';
import { positive } from './options.ts';

/** Changes parameters in place, against their gradients. */
export interface Optimizer {
  /**
   * @param gradients by the names of the parameters; parameters without one are left as they are.
   * @throws HeedError `UNEXPECTED_INPUT` or `SHAPE` for a gradient without its parameter; then nothing was changed.
   */
  step(parameters: NamedTensors, gradients: NamedTensors): void;
}

export interface SGDOptions {
  readonly learningRate: number;
  /** Share of the last step that goes into the next (Polyak's, as in PyTorch). Default 0. */
  readonly momentum?: number;
}

/** Of what was before that is kept. */
const share: OptionKind = number('a number ≥ 0 and < 1', (value) => value >= 0 && value < 1);

/** Stochastic gradient descent. */
export class SGD implements Optimizer {
  static {
    leaveRaw(this.prototype);
  }

  readonly #velocities = new WeakMap<FloatArray, Float64Array>();
  readonly #options: SGDOptions;

  /** @throws HeedError `ARGUMENT`. */
  constructor(options: SGDOptions) {
    checkOptions('SGD', options, { learningRate: required(positive), momentum: share });
    this.#options = options;
  }

  step(parameters: NamedTensors, gradients: NamedTensors): void {
    const { learningRate, momentum = 0 } = this.#options;
    for (const [parameter, gradient] of paired(parameters, gradients)) {
      const velocity = kept(this.#velocities, parameter, (size) => new Float64Array(size));
      for (let n = 0; n < gradient.length; n++) {
        velocity[n] = momentum * velocity[n] + gradient[n];
        parameter.data[n] -= learningRate * velocity[n];
      }
    }
  }
}

export interface AdamOptions {
  /** Default 0.001. */
  readonly learningRate?: number;
  /** How slowly the mean of the gradients moves. Default 0.9. */
  readonly beta1?: number;
  /** How slowly the mean of their squares moves. Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Share of a parameter that each step takes away, times the learning rate (AdamW). Default 0. */
  readonly weightDecay?: number;
}

/**
 * Adam (Kingma and Ba, 2015, algorithm 1), with decoupled weight decay (Loshchilov and Hutter, 2019). Moments are kept
 * in float64, for each tensor: one optimiser serves any number of layers.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { Adam } from '@heed/layers';
 *
 * const parameters = { x: tensor(new Float64Array([3]), [1]) };
 * const adam = new Adam({ learningRate: 0.1 });
 * for (let step = 0; step < 300; step++) {
 *   adam.step(parameters, { x: tensor(new Float64Array([2 * parameters.x.data[0]]), [1]) }); // of x²
 * }
 * console.log(Math.abs(parameters.x.data[0]) < 0.01); // true
 * ```
 */
export class Adam implements Optimizer {
  static {
    leaveRaw(this.prototype);
  }

  readonly #states = new WeakMap<FloatArray, { mean: Float64Array; square: Float64Array; steps: number }>();
  readonly #options: Required<AdamOptions>;

  /** @throws HeedError `ARGUMENT`. */
  constructor(options: AdamOptions = {}) {
    checkOptions('Adam', options, {
      learningRate: positive,
      beta1: share,
      beta2: share,
      epsilon: positive,
      weightDecay: number('a finite number ≥ 0', (value) => Number.isFinite(value) && value >= 0),
    });
    const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
    this.#options = { learningRate, beta1, beta2, epsilon, weightDecay };
  }

  step(parameters: NamedTensors, gradients: NamedTensors): void {
    const { learningRate, beta1, beta2, epsilon, weightDecay } = this.#options;
    for (const [parameter, gradient] of paired(parameters, gradients)) {
      const state = kept(this.#states, parameter, (size) => ({
        mean: new Float64Array(size),
        square: new Float64Array(size),
        steps: 0,
      }));
      state.steps++;
      const { mean, square, steps } = state;
      const rate = learningRate / (1 - beta1 ** steps);
      const correction = 1 / (1 - beta2 ** steps);
      for (let n = 0; n < gradient.length; n++) {
        const g = gradient[n];
        mean[n] = beta1 * mean[n] + (1 - beta1) * g;
        square[n] = beta2 * square[n] + (1 - beta2) * g * g;
        const decay = learningRate * weightDecay * parameter.data[n];
        parameter.data[n] -= decay + (rate * mean[n]) / (Math.sqrt(square[n] * correction) + epsilon);
      }
    }
  }
}

function paired(parameters: NamedTensors, gradients: NamedTensors): [FloatTensor, FloatArray][] {
  return Object.entries(gradients).map(([name, gradient]) => {
    const parameter = parameters[name];
    if (parameter === undefined) {
      throw new HeedError('UNEXPECTED_INPUT', `there is no parameter ${name}`, {
        remedy: `the parameters are ${Object.keys(parameters).join(', ')}`,
      });
    }
    if (parameter.shape.join() !== gradient.shape.join()) {
      throw new HeedError(
        'SHAPE',
        `the gradient of ${name} is [${gradient.shape.join(', ')}], expected [${parameter.shape.join(', ')}]`,
      );
    }
    return [parameter, gradient.data];
  });
}

/** By the numbers, which are the same in a proxy of their tensor. */
function kept<S>(states: WeakMap<FloatArray, S>, { data }: FloatTensor, make: (size: number) => S): S {
  const state = states.get(data) ?? make(data.length);
  states.set(data, state);
  return state;
}
