import {
  type DType,
  type LinearProblem,
  type StoredType,
  type StoredWeight,
  type Tensor,
  cast,
} from '@heed/core';
import { ELEMENT_BYTES, type LinearKernelDefinition, isStoredType, sizeOf } from '@heed/core/backend';
import { keeping } from '../memory/blocks.ts';
import { type WasmTensor, allocateTensor, wasmMemory } from '../memory/wasm-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import { leaseOperation, phaseOf, runOperation } from '../operations/frame.ts';
import type { ModuleLease } from '../platform/modules.ts';
import { BLOCK_BYTES, BLOCK_ROWS, type LinearVariant, writeLinear, linearScratchBytes } from './module.ts';
import { applyCurve } from './curve.ts';
import { panelRowBytes } from './row-tiles.ts';
import { formOf, isFinite16, panelsFor, writePanels } from './stored/form.ts';
import { GRADIENT_ROWS, GRADIENT_SCRATCH_BYTES, writeWeightGradient } from './weight-gradient.ts';
import { STORED_ROWS, type StoredVariant, storedScratchBytes, writeStored } from './stored/module.ts';

/** Number of multiplications below which a run is over before another thread is awake. */
const WORTH_HELP = 1_000_000;

interface Packed {
  /** Module that reads the panels. */
  readonly module: LinearModule;
  readonly panels: WasmTensor;
  readonly bias: WasmTensor | null;
  /** Panels of the weight's columns, for the gradient of the input. */
  readonly columns: WasmTensor | null;
}

/** A module, and the rows of its work items. */
interface LinearModule {
  readonly lease: ModuleLease;
  readonly rows: number;
  /** Scratch memory of each thread. */
  readonly scratchBytes: number;
  /** Number of multiplications below which a call is over before another thread is awake. */
  readonly worthHelp: number;
}

/** Linear projections: SPEC.md, clause `linear`. */
export async function compileLinear(
  engine: Engine,
  problem: Required<LinearProblem>,
): Promise<LinearKernelDefinition<WasmTensor, Packed>> {
  const { heap } = engine;
  const memory = wasmMemory(heap);
  const { inputDim, outputDim, weightType, activation } = problem;
  const leases: ModuleLease[] = [];
  const plainModule = async (variant: Partial<LinearVariant> = {}): Promise<LinearModule> => {
    const whole = { ...plainVariant(problem), ...variant };
    const lease = await leaseOperation(engine, 'linear', whole, writeLinear);
    leases.push(lease);
    const scratchBytes = linearScratchBytes(engine.planOptions.relaxedSimd);
    return { lease, rows: BLOCK_ROWS, scratchBytes, worthHelp: WORTH_HELP };
  };
  const stored = isStoredType(weightType) ? await storedModule(engine, problem, weightType) : null;
  if (stored !== null) leases.push(stored.lease);
  const withoutActivation = { activation: null };
  const module = stored ?? (await plainModule(problem.argument ? withoutActivation : {}));
  const gradientModules = problem.gradient
    ? {
        sums: activation === null || problem.argument ? null : await plainModule(withoutActivation),
        input: await plainModule({
          inputs: outputDim,
          outputs: inputDim,
          bias: false,
          activation: null,
        }),
        weight: await weightGradientLease(engine, problem),
      }
    : null;
  if (gradientModules !== null) leases.push(gradientModules.weight);
  const free = ({ panels, bias: itsBias, columns }: Packed): void => {
    for (const tensor of [panels, itsBias, columns]) if (tensor !== null) heap.free(tensor.address);
  };
  const plain = (tensor: WasmTensor): Tensor => memory.download(tensor) as Tensor;

  return {
    pack: ({ weight, bias: given }) =>
      keeping(heap, (keep) => ({
        module,
        panels: keep(packedPanels(engine, weight)),
        bias: given === undefined ? null : keep(paddedBias(engine, plain(given))),
        columns: problem.gradient ? keep(columnPanels(engine, weight)) : null,
      })),
    packStored: ({ weight, bias: given }) =>
      keeping(heap, async (keep) => {
        const common = {
          bias: given === undefined ? null : keep(paddedBias(engine, plain(given))),
          columns: null,
        };
        if (isFinite16(weight)) return { module, panels: keep(storedPanels(engine, weight)), ...common };
        // NaN or infinity in weights is rare: they become float32.
        const widened = (await memory.upload(cast(weight as Tensor, 'float32'))) as WasmTensor;
        const panels = keep(packedPanels(engine, widened));
        heap.free(widened.address);
        return { module: await plainModule(), panels, ...common };
      }),
    free,
    run: (input, packed, { signal }) => run(engine, input, packed, outputDim, signal),
    runWithArgument: (input, packed, { signal }) =>
      keeping(heap, async (keep) => {
        const argument = keep(await run(engine, input, packed, outputDim, signal));
        return { output: await applyCurve(engine, activation!, argument, undefined, signal), argument };
      }),
    activate: (argument, { signal }) => applyCurve(engine, activation!, argument, undefined, signal),
    async gradient(input, packed, dOutput, { signal }, _, argument) {
      const { sums, input: ofInput, weight } = gradientModules!;
      const again = sums && (await run(engine, input, { ...packed, module: sums }, outputDim, signal));
      let dZ = dOutput;
      try {
        if (activation !== null)
          dZ = await applyCurve(engine, activation, again ?? argument!, dOutput, signal);
      } finally {
        if (again !== null) heap.free(again.address);
      }
      try {
        return await keeping(heap, async (keep) => {
          const packedColumns = { module: ofInput, panels: packed.columns!, bias: null };
          const dInput = keep(await run(engine, dZ, packedColumns, inputDim, signal));
          return { dInput, ...(await weightGradient(engine, problem, weight, input, dZ, signal)) };
        });
      } finally {
        if (dZ !== dOutput) heap.free(dZ.address);
      }
    },
    dispose() {
      for (const lease of leases) lease.release();
    },
  };
}

function plainVariant({
  dtype,
  inputDim,
  outputDim,
  bias,
  activation,
}: Required<LinearProblem>): LinearVariant {
  return { dtype, inputs: inputDim, outputs: outputDim, bias, activation };
}

function weightGradientLease(engine: Engine, problem: Required<LinearProblem>): Promise<ModuleLease> {
  const { activation: _, ...variant } = plainVariant(problem);
  return leaseOperation(engine, 'weight gradient', variant, writeWeightGradient);
}

/** Gradients of weight and bias. */
function weightGradient(
  engine: Engine,
  { dtype, inputDim, outputDim, bias }: Required<LinearProblem>,
  lease: ModuleLease,
  input: WasmTensor,
  dOutput: WasmTensor,
  signal: AbortSignal | undefined,
): Promise<{ readonly dWeight: WasmTensor; readonly dBias?: WasmTensor }> {
  const rows = sizeOf(input.shape.slice(0, -1));
  const blocks = columnBlocks(dtype, inputDim);
  const forms = {
    dWeight: { dtype, shape: [outputDim, inputDim] },
    ...(bias && { dBias: { dtype, shape: [outputDim] } }),
  };
  const operation = {
    lease,
    phases: [phaseOf('weightGradient', blocks * Math.ceil(outputDim / GRADIENT_ROWS))],
    amount: (rows * inputDim * outputDim) / WORTH_HELP,
    scratchBytes: GRADIENT_SCRATCH_BYTES,
  };
  const fields = { input, dOutput, rows, blocks };
  return runOperation(engine, operation, forms as Required<typeof forms>, fields, signal);
}

/** A product with panels. */
async function run(
  engine: Engine,
  input: WasmTensor,
  {
    module: { lease, rows: itemRows, scratchBytes, worthHelp },
    panels: weight,
    bias,
  }: Omit<Packed, 'columns'>,
  outputs: number,
  signal: AbortSignal | undefined,
): Promise<WasmTensor> {
  const { dtype } = input;
  const leading = input.shape.slice(0, -1);
  const rows = sizeOf(leading);
  const blocks = columnBlocks(dtype, outputs);
  const operation = {
    lease,
    phases: [phaseOf('linear', blocks * Math.ceil(rows / itemRows))],
    amount: (input.length * outputs) / worthHelp,
    scratchBytes,
  };
  const fields = { input, weight, bias: bias ?? undefined, rows, blocks };
  const forms = { output: { dtype, shape: [...leading, outputs] } };
  return (await runOperation(engine, operation, forms, fields, signal)).output;
}

/** Blocks of columns that a row of so many numbers has. */
function columnBlocks(dtype: DType, numbers: number): number {
  return Math.ceil((numbers * ELEMENT_BYTES[dtype]) / BLOCK_BYTES);
}

async function storedModule(
  engine: Engine,
  problem: Required<LinearProblem>,
  weightType: StoredType,
): Promise<LinearModule> {
  const variant: StoredVariant = { ...plainVariant(problem), dtype: 'float32', weightType };
  const lease = await leaseOperation(engine, 'stored', variant, writeStored);
  const scratchBytes = storedScratchBytes(problem.inputDim);
  // Decoding takes most of the time of a few rows.
  return { lease, rows: STORED_ROWS, scratchBytes, worthHelp: 800_000 };
}

/** A weight in the form of its type. */
function storedPanels({ heap }: Engine, weight: StoredWeight): WasmTensor {
  const [outputs, inputs] = weight.shape as [number, number];
  const form = formOf(weight.dtype);
  const panels = allocateTensor(heap, 'bool', [panelsFor(outputs), (inputs / form.length) * form.bytes]);
  const bytes = heap.array(panels) as Uint8Array;
  bytes.fill(0);
  writePanels(weight, bytes);
  return panels;
}

/** A weight `[out, in]` with rows side by side, as many as a panel's row has elements, 0 after the last. */
function packedPanels({ heap, planOptions }: Engine, weight: WasmTensor): WasmTensor {
  const [outputs, inputs] = weight.shape as [number, number];
  const width = panelRowBytes(planOptions.wide) / ELEMENT_BYTES[weight.dtype];
  const packed = allocateTensor(heap, weight.dtype, [Math.ceil(outputs / width), inputs, width]);
  const data = heap.array(weight);
  const panels = heap.array(packed);
  if (outputs % width !== 0) panels.fill(0, (outputs - (outputs % width)) * inputs);
  const BLOCK = 16;
  for (let first = 0; first < inputs; first += BLOCK) {
    const end = Math.min(inputs, first + BLOCK);
    for (let n = 0; n < outputs; n++) {
      const to = (n - (n % width)) * inputs + (n % width);
      for (let k = first; k < end; k++) panels[to + k * width] = data[n * inputs + k]!;
    }
  }
  return packed;
}

/** A weight `[out, in]` with columns side by side, as the gradient of the input multiplies by them. */
function columnPanels({ heap, planOptions }: Engine, weight: WasmTensor): WasmTensor {
  const [outputs, inputs] = weight.shape as [number, number];
  const width = panelRowBytes(planOptions.wide) / ELEMENT_BYTES[weight.dtype];
  const packed = allocateTensor(heap, weight.dtype, [Math.ceil(inputs / width), outputs, width]);
  const data = heap.array(weight);
  const panels = heap.array(packed);
  for (let first = 0, to = 0; first < inputs; first += width) {
    const columns = Math.min(width, inputs - first);
    for (let from = first; from < data.length; from += inputs, to += width) {
      for (let n = 0; n < columns; n++) panels[to + n] = data[from + n]!;
      for (let n = columns; n < width; n++) panels[to + n] = 0;
    }
  }
  return packed;
}

/** A bias that ends with a panel. */
function paddedBias({ heap, planOptions }: Engine, { dtype, shape, data }: Tensor): WasmTensor {
  const width = panelRowBytes(planOptions.wide) / ELEMENT_BYTES[dtype];
  const padded = allocateTensor(heap, dtype, [Math.ceil(shape[0]! / width) * width]);
  const array = heap.array(padded);
  array.fill(0);
  array.set(data);
  return padded;
}
