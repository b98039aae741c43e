import { type LinearProblem, type StoredType, type StoredWeight, type Tensor, cast } from '@heed/core';
import { type LinearKernelDefinition, isStoredType, sizeOf } from '@heed/core/backend';
import { filledBy, withBlocks } from '../memory/blocks.ts';
import { type WasmTensor, allocateTensor, wasmMemory } from '../memory/wasm-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import type { ModuleLease } from '../platform/modules.ts';
import {
  BLOCK_BYTES,
  BLOCK_ROWS,
  FRAME,
  FRAME_BYTES,
  type LinearVariant,
  generateLinear,
  linearScratchBytes,
} from './module.ts';
import { PANEL_BYTES } from './row-tiles.ts';
import { formOf, isFinite16, panelsFor, writePanels } from './stored/form.ts';
import {
  GRADIENT_FRAME,
  GRADIENT_FRAME_BYTES,
  GRADIENT_ROWS,
  GRADIENT_SCRATCH_BYTES,
  generateWeightGradient,
} from './weight-gradient.ts';
import { STORED_ROWS, type StoredVariant, generateStored, storedScratchBytes } from './stored/module.ts';

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
  const { inputDim, outputDim, weightType } = problem;
  const leases: ModuleLease[] = [];
  const plainModule = async (variant: Partial<LinearVariant> = {}): Promise<LinearModule> => {
    const lease = await leaseOf(engine, { ...plainVariant(engine, problem), ...variant });
    leases.push(lease);
    const scratchBytes = linearScratchBytes(engine.planOptions.relaxedSimd);
    return { lease, rows: BLOCK_ROWS, scratchBytes, worthHelp: 1_000_000 };
  };
  const stored = isStoredType(weightType) ? await storedModule(engine, problem, weightType) : null;
  if (stored !== null) leases.push(stored.lease);
  const module = stored ?? (await plainModule());
  const gradientModules = problem.gradient
    ? {
        slope: problem.activation === null ? null : await plainModule({ slope: true }),
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
    pack({ weight, bias: given }) {
      const made: WasmTensor[] = [];
      const keep = (tensor: WasmTensor): WasmTensor => {
        made.push(tensor);
        return tensor;
      };
      try {
        return {
          module,
          panels: keep(packedPanels(engine, weight)),
          bias: given === undefined ? null : keep(paddedBias(engine, plain(given))),
          columns: problem.gradient ? keep(columnPanels(engine, weight)) : null,
        };
      } catch (error) {
        for (const { address } of made) heap.free(address);
        throw error;
      }
    },
    async packStored({ weight, bias: given }) {
      const itsBias = given === undefined ? null : paddedBias(engine, plain(given));
      try {
        if (isFinite16(weight))
          return { module, panels: storedPanels(engine, weight), bias: itsBias, columns: null };
        // NaN or infinity in weights is rare: they become float32.
        const widened = (await memory.upload(cast(weight as Tensor, 'float32'))) as WasmTensor;
        const panels = packedPanels(engine, widened);
        heap.free(widened.address);
        try {
          return { module: await plainModule(), panels, bias: itsBias, columns: null };
        } catch (error) {
          heap.free(panels.address);
          throw error;
        }
      } catch (error) {
        if (itsBias !== null) heap.free(itsBias.address);
        throw error;
      }
    },
    free,
    run: (input, packed, { signal }) => run(engine, input, packed, outputDim, signal),
    async gradient(input, packed, dOutput, { signal }) {
      const { slope, input: ofInput, weight } = gradientModules!;
      const dZ =
        slope === null
          ? dOutput
          : await run(engine, input, { ...packed, module: slope, dOutput }, outputDim, signal);
      const made: WasmTensor[] = [];
      try {
        const packedColumns = { module: ofInput, panels: packed.columns!, bias: null };
        made.push(await run(engine, dZ, packedColumns, inputDim, signal));
        const others = await weightGradient(engine, problem, weight, input, dZ, signal);
        return { dInput: made[0]!, ...others };
      } catch (error) {
        for (const { address } of made) heap.free(address);
        throw error;
      } finally {
        if (dZ !== dOutput) heap.free(dZ.address);
      }
    },
    dispose() {
      for (const lease of leases) lease.release();
    },
  };
}

function plainVariant(
  { planOptions: { shared, relaxedSimd } }: Engine,
  { dtype, inputDim, outputDim, bias, activation }: Required<LinearProblem>,
): LinearVariant {
  return { dtype, inputs: inputDim, outputs: outputDim, bias, activation, shared, relaxed: relaxedSimd };
}

function leaseOf({ modules }: Engine, variant: LinearVariant): Promise<ModuleLease> {
  return modules.lease({ key: `linear ${JSON.stringify(variant)}`, generate: () => generateLinear(variant) });
}

function weightGradientLease(engine: Engine, problem: Required<LinearProblem>): Promise<ModuleLease> {
  const { activation: _, ...variant } = plainVariant(engine, problem);
  return engine.modules.lease({
    key: `weight gradient ${JSON.stringify(variant)}`,
    generate: () => generateWeightGradient(variant),
  });
}

/** Gradients of weight and bias. */
async function weightGradient(
  engine: Engine,
  { dtype, inputDim, outputDim, bias }: Required<LinearProblem>,
  lease: ModuleLease,
  input: WasmTensor,
  dOutput: WasmTensor,
  signal: AbortSignal | undefined,
): Promise<{ readonly dWeight: WasmTensor; readonly dBias?: WasmTensor }> {
  const { heap, queue } = engine;
  const rows = sizeOf(input.shape.slice(0, -1));
  const columns = Math.ceil((inputDim * (dtype === 'float64' ? 8 : 4)) / BLOCK_BYTES);
  const forms: Record<string, Pick<WasmTensor, 'dtype' | 'shape'>> = {
    dWeight: { dtype, shape: [outputDim, inputDim] },
    ...(bias && { dBias: { dtype, shape: [outputDim] } }),
  };
  const tasks = columns * Math.ceil(outputDim / GRADIENT_ROWS);
  const work = {
    lease,
    export: 'weightGradient',
    tasks,
    multiplications: rows * inputDim * outputDim,
    scratchBytes: GRADIENT_SCRATCH_BYTES,
    worthHelp: 1_000_000,
  };
  const made = await queue.run(
    () =>
      filledBy(heap, forms, ({ dWeight, dBias }) =>
        runTasks(engine, work, signal, GRADIENT_FRAME_BYTES, (view, frame) => {
          const values = {
            input: input.address,
            dOutput: dOutput.address,
            dWeight: dWeight!.address,
            dBias: dBias?.address ?? 0,
            rows,
            columns,
          };
          for (const [field, value] of Object.entries(values)) {
            view.setUint32(frame + GRADIENT_FRAME[field as keyof typeof GRADIENT_FRAME], value, true);
          }
        }),
      ),
    signal,
  );
  return made as { readonly dWeight: WasmTensor; readonly dBias?: WasmTensor };
}

/** Work items of one export. */
interface Work {
  readonly lease: ModuleLease;
  readonly export: string;
  readonly tasks: number;
  readonly multiplications: number;
  /** Scratch memory of a thread. */
  readonly scratchBytes: number;
  readonly worthHelp: number;
}

function runTasks(
  { heap, team }: Engine,
  work: Work,
  signal: AbortSignal | undefined,
  frameBytes: number,
  fill: (view: DataView, frame: number) => void,
): Promise<void> {
  const { lease, tasks, scratchBytes: scratchStride } = work;
  const helpers = work.multiplications < work.worthHelp ? 0 : team.helpersFor(tasks);
  return withBlocks(heap, async ({ allocate }) => {
    const scratch = allocate((1 + helpers) * scratchStride);
    const frame = allocate(frameBytes);
    fill(heap.view(), frame);
    const phases = [{ export: work.export, firstTask: 0, tasks }];
    await team.run({ module: lease.module, phases, frame, scratch, scratchStride }, helpers, signal);
  });
}

/** A product with panels; with `dOutput`, the gradient of the activation's argument. */
function run(
  engine: Engine,
  input: WasmTensor,
  {
    module: { lease, rows: itemRows, scratchBytes, worthHelp },
    panels,
    bias,
    dOutput,
  }: Omit<Packed, 'columns'> & { readonly dOutput?: WasmTensor },
  outputs: number,
  signal: AbortSignal | undefined,
): Promise<WasmTensor> {
  const { heap, queue } = engine;
  const { dtype } = input;
  const leading = input.shape.slice(0, -1);
  const rows = sizeOf(leading);
  const columns = Math.ceil((outputs * (dtype === 'float64' ? 8 : 4)) / BLOCK_BYTES);
  const tasks = columns * Math.ceil(rows / itemRows);
  const multiplications = rows * outputs * input.shape.at(-1)!;
  const work = { lease, export: 'linear', tasks, multiplications, scratchBytes, worthHelp };
  const forms = { output: { dtype, shape: [...leading, outputs] } };
  const compute = ({ output }: { readonly output: WasmTensor }): Promise<void> =>
    runTasks(engine, work, signal, FRAME_BYTES, (view, frame) => {
      const values = {
        input: input.address,
        panels: panels.address,
        bias: bias?.address ?? 0,
        output: output.address,
        dOutput: dOutput?.address ?? 0,
        rows,
        columns,
      };
      for (const [field, value] of Object.entries(values)) {
        view.setUint32(frame + FRAME[field as keyof typeof FRAME], value, true);
      }
    });
  return queue.run(
    async () => (await filledBy(heap, forms, rows === 0 ? async () => undefined : compute)).output,
    signal,
  );
}

async function storedModule(
  { modules, planOptions }: Engine,
  { inputDim, outputDim, bias, activation }: Required<LinearProblem>,
  weightType: StoredType,
): Promise<LinearModule> {
  const { shared, relaxedSimd: relaxed } = planOptions;
  const common = { inputs: inputDim, outputs: outputDim, bias, activation, shared, relaxed };
  const variant: StoredVariant = { dtype: 'float32', weightType, ...common };
  const lease = await modules.lease({
    key: `stored ${JSON.stringify(variant)}`,
    generate: () => generateStored(variant),
  });
  // Decoding takes most of the time of a few rows.
  return { lease, rows: STORED_ROWS, scratchBytes: storedScratchBytes(inputDim), worthHelp: 800_000 };
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

/** A weight `[out, in]` with rows side by side, as many as two vectors have elements, 0 after the last. */
function packedPanels({ heap }: Engine, weight: WasmTensor): WasmTensor {
  const [outputs, inputs] = weight.shape as [number, number];
  const width = PANEL_BYTES / (weight.dtype === 'float64' ? 8 : 4);
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
function columnPanels({ heap }: Engine, weight: WasmTensor): WasmTensor {
  const [outputs, inputs] = weight.shape as [number, number];
  const width = PANEL_BYTES / (weight.dtype === 'float64' ? 8 : 4);
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
function paddedBias({ heap }: Engine, { dtype, shape, data }: Tensor): WasmTensor {
  const width = PANEL_BYTES / (dtype === 'float64' ? 8 : 4);
  const padded = allocateTensor(heap, dtype, [Math.ceil(shape[0]! / width) * width]);
  const array = heap.array(padded);
  array.fill(0);
  array.set(data);
  return padded;
}
