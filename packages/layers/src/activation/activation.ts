import { HeedError } from '@heed/core';
import { shown, zeros } from '@heed/core/backend';
import { type FloatTensor, checkPlain } from '../tensors.ts';
import { erf } from './erf.ts';

/**
 * Elementwise functions: `gelu` is x Φ(x), `geluTanh` its approximation by tanh (Hendrycks and Gimpel, 2016; the
 * `gelu_new` of GPT-2), `silu` is x σ(x) (Elfwing et al., 2017), `relu` is max(0, x), `sigmoid` is σ(x).
 */
export type Activation = 'gelu' | 'geluTanh' | 'silu' | 'relu' | 'sigmoid';

interface Curve {
  at(x: number): number;
  slope(x: number): number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const SLOPE_OF_TANH = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

const CURVES: Readonly<Record<Activation, Curve>> = {
  gelu: {
    at: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
    slope: (x) => 0.5 * (1 + erf(x * Math.SQRT1_2)) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI),
  },
  geluTanh: {
    at: (x) => 0.5 * x * (1 + Math.tanh(SLOPE_OF_TANH * (x + CUBIC * x ** 3))),
    slope(x) {
      const tanh = Math.tanh(SLOPE_OF_TANH * (x + CUBIC * x ** 3));
      return 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * SLOPE_OF_TANH * (1 + 3 * CUBIC * x * x);
    },
  },
  silu: {
    at: (x) => x * sigmoid(x),
    slope(x) {
      const s = sigmoid(x);
      return s * (1 + x * (1 - s));
    },
  },
  relu: { at: (x) => (x < 0 ? 0 : x), slope: (x) => (x > 0 ? 1 : 0) },
  sigmoid: {
    at: sigmoid,
    slope(x) {
      const s = sigmoid(x);
      return s * (1 - s);
    },
  },
};

export const ACTIVATIONS = Object.keys(CURVES) as readonly Activation[];

/**
 * Applies a function to each element, into a new tensor.
 *
 * @param input of any shape.
 * @throws HeedError `ARGUMENT` for an unknown name; `SHAPE`.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import { activate } from '@heed/layers';
 *
 * console.log(activate('relu', tensor(new Float32Array([-1, 2]), [2])).data.join(' ')); // 0 2
 * ```
 */
export function activate(name: Activation, input: FloatTensor): FloatTensor {
  const { at } = curveOf(name);
  checkPlain('input', input);
  const output = zeros(input.dtype, input.shape);
  for (let n = 0; n < output.data.length; n++) output.data[n] = at(input.data[n]);
  return output;
}

/**
 * The gradient of {@link activate} with respect to its input.
 *
 * @param input what {@link activate} was given.
 * @throws HeedError `ARGUMENT` for an unknown name; `SHAPE`.
 */
export function activationGradient(name: Activation, input: FloatTensor, dOutput: FloatTensor): FloatTensor {
  const { slope } = curveOf(name);
  checkPlain('input', input);
  checkPlain('dOutput', dOutput);
  if (dOutput.shape.join() !== input.shape.join()) {
    throw new HeedError(
      'SHAPE',
      `dOutput is [${dOutput.shape.join(', ')}], expected the shape of the input, [${input.shape.join(', ')}]`,
    );
  }
  const dInput = zeros(input.dtype, input.shape);
  // Padding may hold NaN, and 0 · NaN would go on from there.
  dOutput.data.forEach((d, n) => {
    if (d !== 0) dInput.data[n] = d * slope(input.data[n]);
  });
  return dInput;
}

function curveOf(name: Activation): Curve {
  if (Object.hasOwn(CURVES, name)) return CURVES[name];
  throw new HeedError('ARGUMENT', `activation is ${shown(name)}; expected one of ${ACTIVATIONS.join(', ')}`, {
    remedy: 'GELU of GPT-2 is geluTanh; swish is silu',
  });
}
