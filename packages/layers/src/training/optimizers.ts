import { HeedError } from '@heed/core';
import { type OptionKind, checkOptions, listed, required, shown } from '@heed/core/backend';
import { recordChange } from '../engine/versions.ts';
import type { NamedTensors } from '../parameters.ts';
import { type FloatArray, type FloatTensor, checkNamed } from '../tensors.ts';
import { leaveRaw } from '../reactive.ts';
import { notNegative, positive, share } from '../options.ts';
import type { Schedule } from './schedules.ts';

/** Changes parameters in place, against their gradients. */
export interface Optimizer {
  /**
   * @param gradients by the names of the parameters; parameters without one are left as they are.
   * @throws HeedError `UNEXPECTED_INPUT` or `SHAPE` for a gradient without its parameter; `ARGUMENT` or `DTYPE` for what is not tensors
   * by name, and for a rate or decay that is not a number ≥ 0; then nothing was changed.
   */
  step(parameters: NamedTensors, gradients: NamedTensors): void;
}

/** Options of {@link SGD}. */
export interface SGDOptions {
  /** A number, or a function from a parameter's step, counted from 0, to one. */
  readonly learningRate: number | Schedule;
  /** Share of the last step that goes into the next (Polyak's, as in PyTorch). Default 0. */
  readonly momentum?: number | undefined;
}

/** A number, or a function from the step to one. */
const rate: OptionKind = {
  expected: `${positive.expected} or a function from the step to one`,
  accepts: (value) => typeof value === 'function' || positive.accepts(value),
};

const rateAt = (learningRate: number | Schedule, step: number): number =>
  typeof learningRate === 'number'
    ? learningRate
    : returned(`learningRate of step ${step}`, learningRate(step));

/** Checks what a function of the user returned, which would otherwise make parameters NaN. */
function returned(name: string, value: unknown): number {
  if (notNegative.accepts(value)) return value as number;
  throw new HeedError('ARGUMENT', `${name} is ${shown(value)}; expected ${notNegative.expected}`, {
    remedy: 'give a number from the function in every case',
  });
}

/** Stochastic gradient descent. */
export class SGD implements Optimizer {
  static {
    leaveRaw(this.prototype);
  }

  readonly #states = new WeakMap<FloatArray, { velocity: Float64Array; steps: number }>();
  readonly #options: SGDOptions;

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: SGDOptions) {
    checkOptions('SGD', options, { learningRate: required(rate), momentum: share });
    this.#options = options;
  }

  step(parameters: NamedTensors, gradients: NamedTensors): void {
    const { learningRate, momentum = 0 } = this.#options;
    const steps = paired(parameters, gradients).map(([parameter, gradient]) => {
      const state = kept(this.#states, parameter, (size) => ({ velocity: new Float64Array(size), steps: 0 }));
      return { parameter, gradient, state, stepSize: rateAt(learningRate, state.steps) };
    });
    for (const { parameter, gradient, state, stepSize } of steps) {
      const { velocity } = state;
      state.steps++;
      recordChange(parameter);
      for (let n = 0; n < gradient.length; n++) {
        velocity[n] = momentum * velocity[n] + gradient[n];
        parameter.data[n] -= stepSize * velocity[n];
      }
    }
  }
}

/** Options of {@link Adam}. */
export interface AdamOptions {
  /** A number, or a function from a parameter's step, counted from 0, to one. Default 0.001. */
  readonly learningRate?: number | Schedule | undefined;
  /** Share of the mean of the gradients that is kept at each step. Default 0.9. */
  readonly beta1?: number | undefined;
  /** Share of the mean of their squares that is kept at each step. Default 0.999. */
  readonly beta2?: number | undefined;
  /** Default 1e-8. */
  readonly epsilon?: number | undefined;
}

/** Options of {@link AdamW}. */
export interface AdamWOptions extends AdamOptions {
  /**
   * Share of a parameter that each step takes away, times the learning rate: a number, or one for each parameter's name.
   * Default 0.01.
   */
  readonly weightDecay?: (number | ((name: string) => number)) | undefined;
}

const MOMENTS = { learningRate: rate, beta1: share, beta2: share, epsilon: positive };

/**
 * Adam (Kingma and Ba, 2015, algorithm 1). Moments are kept in float64, for each tensor: one optimizer serves any number of
 * layers.
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

  readonly #states: Moments = new WeakMap();
  readonly #options: AdamOptions;

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: AdamOptions = {}) {
    checkOptions('Adam', options, MOMENTS);
    this.#options = options;
  }

  step(parameters: NamedTensors, gradients: NamedTensors): void {
    adamStep(this.#states, this.#options, () => 0, parameters, gradients);
  }
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2), as
 * `torch.optim.AdamW`.
 *
 * @example
 * ```ts
 * import { AdamW } from '@heed/layers';
 *
 * // Weights decay; biases and the weights of normalization do not.
 * const weightDecay = (name: string) => (/[nN]orm|bias$/.test(name) ? 0 : 0.1);
 * const optimizer = new AdamW({ learningRate: 3e-4, weightDecay });
 * console.log(weightDecay('blocks.0.attentionNorm.weight'), weightDecay('head.weight')); // 0 0.1
 * ```
 */
export class AdamW implements Optimizer {
  static {
    leaveRaw(this.prototype);
  }

  readonly #states: Moments = new WeakMap();
  readonly #options: AdamWOptions;

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: AdamWOptions = {}) {
    checkOptions('AdamW', options, {
      ...MOMENTS,
      weightDecay: {
        expected: `${notNegative.expected} or a function from a name to one`,
        accepts: (value) => typeof value === 'function' || notNegative.accepts(value),
      },
    });
    this.#options = options;
  }

  step(parameters: NamedTensors, gradients: NamedTensors): void {
    const { weightDecay = 0.01 } = this.#options;
    const decayOf =
      typeof weightDecay === 'number'
        ? () => weightDecay
        : (name: string) => returned(`weightDecay of ${name}`, weightDecay(name));
    adamStep(this.#states, this.#options, decayOf, parameters, gradients);
  }
}

type Moments = WeakMap<FloatArray, { mean: Float64Array; square: Float64Array; steps: number }>;

function adamStep(
  states: Moments,
  { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions,
  decayOf: (name: string) => number,
  parameters: NamedTensors,
  gradients: NamedTensors,
): void {
  const all = paired(parameters, gradients).map(([parameter, gradient, name]) => {
    const state = kept(states, parameter, (size) => ({
      mean: new Float64Array(size),
      square: new Float64Array(size),
      steps: 0,
    }));
    const stepSize = rateAt(learningRate, state.steps);
    return { parameter, gradient, state, stepSize, decay: stepSize * decayOf(name) };
  });
  for (const { parameter, gradient, state, stepSize, decay } of all) {
    state.steps++;
    recordChange(parameter);
    const { mean, square, steps } = state;
    const scaled = stepSize / (1 - beta1 ** steps);
    const correction = 1 / (1 - beta2 ** steps);
    const { data } = parameter;
    for (let n = 0; n < data.length; n++) {
      const g = gradient[n];
      const m = beta1 * mean[n] + (1 - beta1) * g;
      const s = beta2 * square[n] + (1 - beta2) * g * g;
      mean[n] = m;
      square[n] = s;
      data[n] -= decay * data[n] + (scaled * m) / (Math.sqrt(s * correction) + epsilon);
    }
  }
}

function paired(parameters: NamedTensors, gradients: NamedTensors): [FloatTensor, FloatArray, string][] {
  checkNamed('the parameters', parameters);
  checkNamed('the gradients', gradients);
  return Object.entries(gradients).map(([name, gradient]) => {
    const parameter = parameters[name];
    if (parameter === undefined) {
      throw new HeedError('UNEXPECTED_INPUT', `unknown parameter ${name}`, {
        remedy: `choose from ${listed(Object.keys(parameters))}`,
      });
    }
    if (parameter.shape.join() !== gradient.shape.join()) {
      throw new HeedError(
        'SHAPE',
        `the gradient of ${name} is [${gradient.shape.join(', ')}]; expected [${parameter.shape.join(', ')}]`,
        { remedy: `give the gradient of ${name} that the layer returned` },
      );
    }
    return [parameter, gradient.data, name];
  });
}

/** State by the array of numbers, which is the same in a proxy of its tensor. */
function kept<S>(states: WeakMap<FloatArray, S>, { data }: FloatTensor, make: (size: number) => S): S {
  const state = states.get(data) ?? make(data.length);
  states.set(data, state);
  return state;
}
