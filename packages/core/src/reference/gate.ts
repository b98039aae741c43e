import { CURVES } from '../linear/activation.ts';
import type { LinearProblem } from '../linear/contract.ts';
import { type Tensor, zeros } from '../tensor.ts';

type Activation = LinearProblem['activation'];

/** f(first half) · second half of each row of z `[…, 2·out]`, in float64. */
export function referenceGate(activation: Activation, { shape, data }: Tensor): Tensor {
  const width = shape.at(-1)! / 2;
  const output = zeros('float64', [...shape.slice(0, -1), width]);
  for (let n = 0; n < output.data.length; n++) {
    const [first, second] = halves(data, width, n);
    output.data[n] = (activation ? CURVES[activation].at(first) : first) * second;
  }
  return output;
}

/** The gradient of z `[…, 2·out]`, in float64; 0 where that of the output is. */
export function referenceGateGradient(
  activation: Activation,
  { shape, data }: Tensor,
  dOutput: Tensor,
): Tensor {
  const width = shape.at(-1)! / 2;
  const dZ = zeros('float64', shape);
  dOutput.data.forEach((d, n) => {
    if (d === 0) return;
    const [first, second] = halves(data, width, n);
    const at = n + Math.floor(n / width) * width;
    dZ.data[at] = d * second * (activation ? CURVES[activation].slope(first) : 1);
    dZ.data[at + width] = d * (activation ? CURVES[activation].at(first) : first);
  });
  return dZ;
}

/** The two numbers of z that make element n of the output. */
function halves(data: Tensor['data'], width: number, n: number): [number, number] {
  const at = n + Math.floor(n / width) * width;
  return [data[at]!, data[at + width]!];
}
