import type { AttentionInputs } from '@heed/core';
import { broadcastStrides, rowStrides } from '@heed/core/backend';
import { type DeviceArray, type DeviceTensor, downloadTensor } from '../memory/device-tensor.ts';
import { hasNaNOrInfinity } from '../memory/finite.ts';
import type { FloatInputs } from '../memory/float-inputs.ts';
import type { GradientRun } from './tile.ts';
import { type HostView, finiteRows, hostView } from '../forward/host-view.ts';
import { mayBeNonFinite } from '../forward/non-finite.ts';

/** Elements of gradients that are not finite, by index. */
export type NonFiniteGradients = Readonly<
  Record<'dQuery' | 'dKey' | 'dValue' | 'dBias', Map<number, number>>
>;

/** Output of the forward pass, and its gradient, on the device. */
interface Outputs {
  readonly output: DeviceArray;
  readonly dOutput: DeviceArray;
}

/**
 * Makes the gradients non-finite that depend on NaN or infinity, and no others, like `forward/non-finite.ts` for the
 * forward pass. Corrects those of sinks in place.
 */
export async function markNonFiniteGradients(
  run: GradientRun,
  inputs: AttentionInputs<DeviceTensor>,
  floats: FloatInputs,
  { output, dOutput }: Outputs,
): Promise<NonFiniteGradients | null> {
  const { engine, problem, rowMax, rowSum } = run;
  const given = [output, dOutput].some(
    ({ exceptions }) => exceptions.minusInfinity || hasNaNOrInfinity(exceptions),
  );
  const statistics = rowSum.some((sum, row) => sum !== 0 && !Number.isFinite(sum + rowMax[row]!));
  if (!given && !statistics && !mayBeNonFinite(floats)) return null;

  const { batch, heads, queryLength, valueDim, layout } = problem;
  const places = rowStrides(layout, heads, queryLength, 1);
  const numbers = (await downloadTensor(engine, dOutput)).data as Float32Array;
  const outputs = (await downloadTensor(engine, output)).data as Float32Array;
  const view = await hostView(engine, problem, inputs, floats);
  const rows: Rows = {
    view,
    dOutput: numbers,
    hasFiniteOutput: finiteRows(outputs, places, valueDim, 1),
    hasFiniteGradient: finiteRows(numbers, places, valueDim, 1),
  };
  const nonFinite = { dQuery: new Map(), dKey: new Map(), dValue: new Map(), dBias: new Map() };
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queryLength; i++) markRow(run, rows, nonFinite, [b, h, i]);
    }
  }
  return nonFinite;
}

interface Rows {
  readonly view: HostView;
  readonly dOutput: Float32Array;
  hasFiniteOutput(b: number, h: number, i: number): boolean;
  hasFiniteGradient(b: number, h: number, i: number): boolean;
}

function markRow(
  { problem, rowMax, rowSum, dSinks }: GradientRun,
  { view, dOutput, hasFiniteOutput, hasFiniteGradient }: Rows,
  nonFinite: NonFiniteGradients,
  [b, h, i]: readonly [number, number, number],
): void {
  const { layout, heads, kvHeads, queryLength, keyLength, headDim, valueDim } = problem;
  const row = (b * heads + h) * queryLength + i;
  const keys = view.attended(b, h, i);
  const sink = view.sink(h);
  const statistics = rowSum[row] === 0 ? 0 : rowSum[row]! + rowMax[row]!;
  const weights =
    !Number.isFinite(statistics) ||
    Number.isNaN(sink) ||
    sink === Infinity ||
    keys.some((j) => !view.hasFiniteScore(b, h, i, j));
  const upstream = keys.length > 0 && !hasFiniteGradient(b, h, i);
  const scores =
    weights || upstream || !hasFiniteOutput(b, h, i) || keys.some((j) => !view.hasFiniteValue(b, h, j));
  if (!scores) return;

  const startOf = (count: number, length: number, depth: number, l: number): number => {
    const strides = rowStrides(layout, count, length, depth);
    return b * strides.batch + Math.floor(h / (heads / count)) * strides.head + l * strides.row;
  };
  const [biasB, biasH, biasI, biasJ] = broadcastStrides(problem.bias?.shape ?? [1, 1, 1, 1]);
  const output = startOf(heads, queryLength, valueDim, i);
  if (problem.sinks) dSinks[h] = NaN;
  if (keys.length > 0) fill(nonFinite.dQuery, startOf(heads, queryLength, headDim, i), headDim);
  for (const j of keys) {
    fill(nonFinite.dKey, startOf(kvHeads, keyLength, headDim, j), headDim);
    nonFinite.dBias.set(b * biasB + h * biasH + i * biasI + j * biasJ, NaN);
    const value = startOf(kvHeads, keyLength, valueDim, j);
    for (let d = 0; d < valueDim; d++) {
      if (weights || !Number.isFinite(dOutput[output + d])) nonFinite.dValue.set(value + d, NaN);
    }
  }
}

function fill(elements: Map<number, number>, start: number, count: number): void {
  for (let n = start; n < start + count; n++) elements.set(n, NaN);
}
