import { CURVES, type Curve } from '../../linear/activation.ts';
import type { LinearProblem } from '../../linear/contract.ts';
import { type ComputeDType, type Tensor, zeros } from '../../tensor.ts';

type Activation = LinearProblem['activation'];
type Data = Float64Array;

const IDENTITY: Curve = { at: (x) => x, slope: () => 1 };

const curveOf = (activation: Activation): Curve => (activation ? CURVES[activation] : IDENTITY);

/**
 * The activation of the first half of each row, times the second half: for engines of the host.
 *
 * @param z `[…, 2·out]`.
 * @param output filled with the result.
 * @returns `[…, out]`.
 */
export function gateHere(
  activation: Activation,
  z: Tensor,
  output: Tensor = zeros(z.dtype as ComputeDType, [...z.shape.slice(0, -1), z.shape.at(-1)! / 2]),
): Tensor {
  const width = output.shape.at(-1)!;
  const { at } = curveOf(activation);
  const [from, to] = [z.data as Data, output.data as Data];
  for (let row = 0; row < to.length; row += width)
    for (let e = 0; e < width; e++) to[row + e] = at(from[2 * row + e]!) * from[2 * row + width + e]!;
  return output;
}

/**
 * The gradient of {@link gateHere}; where dOutput is 0, it is 0, whatever z holds.
 *
 * @param dOutput `[…, out]`.
 * @param dZ `[…, 2·out]`, filled with the result.
 */
export function gateGradientHere(
  activation: Activation,
  z: Tensor,
  dOutput: Tensor,
  dZ: Tensor = zeros(z.dtype as ComputeDType, z.shape),
): Tensor {
  const width = dOutput.shape.at(-1)!;
  const { at, slope } = curveOf(activation);
  const [from, d, to] = [z.data as Data, dOutput.data as Data, dZ.data as Data];
  for (let row = 0; row < d.length; row += width) {
    for (let e = 0; e < width; e++) {
      const first = 2 * row + e;
      const second = first + width;
      const gradient = d[row + e]!;
      to[first] = gradient === 0 ? 0 : gradient * from[second]! * slope(from[first]!);
      to[second] = gradient === 0 ? 0 : gradient * at(from[first]!);
    }
  }
  return dZ;
}
