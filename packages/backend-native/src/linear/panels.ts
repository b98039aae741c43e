import type { LinearParameters, StoredWeight, Tensor } from '@heed/core';
import { inHeedsWords } from '../platform/errors.ts';
import type { Projection } from './projection.ts';

type Numbers = Tensor['data'];

/** A weight in the order in which products read it. */
export interface Panels {
  /** Panels of the weight's rows, and of its columns, for the gradient of the input. */
  readonly rows: Numbers;
  readonly columns: Numbers | null;
  readonly bias: Numbers | undefined;
}

/** Packs a weight `[weightRows, inputDim]` of the problem's type. */
export async function pack(
  projection: Projection,
  { weight, bias }: LinearParameters<Tensor>,
): Promise<Panels> {
  const { memory, problem } = projection;
  await memory.runs.readable([weight, bias]);
  return owned(projection, () => ({
    columns: problem.gradient ? panelsOfColumns(projection, weight.data) : null,
    rows: panelsOfRows(projection, weight.data),
    bias: bias?.data.slice(),
  }));
}

/** Packs a weight as it is stored: of 16 bits, or in blocks. */
export async function packStored(
  projection: Projection,
  { weight, bias }: LinearParameters<Tensor, StoredWeight>,
): Promise<Panels> {
  const { binding, memory, team, weightType, gated } = projection;
  await memory.runs.readable([bias]);
  const [outputs, inputs] = weight.shape as [number, number];
  return owned(projection, () => ({
    rows: binding.packWeight(team, [weightType, outputs, inputs, gated], weight.data),
    columns: null,
    bias: bias?.data.slice(),
  }));
}

/** Packs, and keeps the memory until it is freed. */
function owned({ memory }: Projection, make: () => Panels): Panels {
  try {
    const panels = make();
    for (const data of [panels.rows, panels.columns, panels.bias]) if (data) memory.runs.own({ data });
    return panels;
  } catch (error) {
    throw inHeedsWords(error);
  }
}

/** Panels of outputs; with a gate, those of the outputs and of the gate in turn. */
function panelsOfRows(
  { binding, memory, team, problem, isDouble, gated }: Projection,
  data: Numbers,
): Numbers {
  const { dtype, inputDim, outputDim } = problem;
  const panel = binding.panelWidth(team, isDouble);
  const width = Math.ceil(outputDim / panel) * panel;
  const { data: to } = memory.blank(dtype, [gated ? 2 * width : width, inputDim]);
  if (gated) {
    const [half, next] = [outputDim * inputDim, panel * inputDim];
    binding.packLinear(team, isDouble, [outputDim, inputDim, 0, 2], data.subarray(0, half), to);
    binding.packLinear(team, isDouble, [outputDim, inputDim, 0, 2], data.subarray(half), to.subarray(next));
  } else {
    binding.packLinear(team, isDouble, [outputDim, inputDim, 0, 1], data, to);
  }
  return to;
}

/** Panels of inputs, for their gradient. */
function panelsOfColumns(
  { binding, memory, team, problem, isDouble, weightRows }: Projection,
  data: Numbers,
): Numbers {
  const { dtype, inputDim } = problem;
  const panel = binding.panelWidth(team, isDouble);
  const { data: to } = memory.blank(dtype, [Math.ceil(inputDim / panel) * panel, weightRows]);
  binding.packLinear(team, isDouble, [weightRows, inputDim, 1, 1], data, to);
  return to;
}
