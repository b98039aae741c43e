import {
  type LinearGradients,
  type LinearParameters,
  type LinearProblem,
  type RunOptions,
  type StoredType,
  type StoredWeight,
  type Tensor,
  cast,
} from '@heed/core';
import {
  type LinearKernelDefinition,
  isStoredType,
  linearGradientBy,
  sizeOf,
  zeros,
} from '@heed/core/backend';
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
  PANEL_BYTES,
  generateLinear,
  tileRows,
} from './module.ts';
import { formOf, isFinite16, panelsFor, writePanels } from './stored/form.ts';
import { STORED_ROWS, type StoredVariant, generateStored, storedScratchBytes } from './stored/module.ts';

interface Packed {
  /** Module that reads the panels. */
  readonly module: LinearModule;
  readonly panels: WasmTensor;
  readonly bias: WasmTensor | null;
  /** Parameters as given, for the gradient. */
  readonly parameters: LinearParameters<Tensor> | null;
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
  const { inputDim, outputDim, bias, activation, weightType } = problem;
  const leases: ModuleLease[] = [];
  const plainModule = async (): Promise<LinearModule> => {
    const lease = await leaseOf(engine, problem.dtype, inputDim, outputDim, bias, activation);
    leases.push(lease);
    const scratchBytes = tileRows(engine.planOptions.relaxedSimd) * BLOCK_BYTES;
    return { lease, rows: BLOCK_ROWS, scratchBytes, worthHelp: 1_000_000 };
  };
  const stored = isStoredType(weightType) ? await storedModule(engine, problem, weightType) : null;
  if (stored !== null) leases.push(stored.lease);
  const module = stored ?? (await plainModule());
  const free = ({ panels, bias: itsBias }: Packed): void => {
    heap.free(panels.address);
    if (itsBias !== null) heap.free(itsBias.address);
  };
  const plain = (tensor: WasmTensor): Tensor => memory.download(tensor) as Tensor;

  /** x wᵀ by a module for its widths. */
  const multiply = async (x: Tensor, weight: Tensor, { signal }: RunOptions): Promise<Tensor> => {
    const [outputs, inputs] = weight.shape as [number, number];
    if (inputs === 0) return zeros(problem.dtype, [x.shape[0]!, outputs]);
    const its = await leaseOf(engine, problem.dtype, inputs, outputs, false, null);
    const made: WasmTensor[] = [];
    try {
      made.push((await memory.upload(x)) as WasmTensor);
      made.push(packedPanels(engine, weight));
      const itsModule = { ...module, lease: its };
      made.push(
        await run(engine, made[0]!, { module: itsModule, panels: made[1]!, bias: null }, outputs, signal),
      );
      return plain(made[2]!);
    } finally {
      for (const { address } of made) heap.free(address);
      its.release();
    }
  };

  return {
    pack({ weight, bias: given }) {
      const parameters = { weight: plain(weight), bias: given && plain(given) };
      const panels = packedPanels(engine, parameters.weight);
      try {
        return {
          module,
          panels,
          bias: parameters.bias === undefined ? null : paddedBias(engine, parameters.bias),
          parameters: problem.gradient ? parameters : null,
        };
      } catch (error) {
        heap.free(panels.address);
        throw error;
      }
    },
    async packStored({ weight, bias: given }) {
      const itsBias = given === undefined ? null : paddedBias(engine, plain(given));
      try {
        if (isFinite16(weight))
          return { module, panels: storedPanels(engine, weight), bias: itsBias, parameters: null };
        // NaN or infinity in weights is rare: they become float32.
        const panels = packedPanels(engine, cast(weight as Tensor, 'float32'));
        try {
          return { module: await plainModule(), panels, bias: itsBias, parameters: null };
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
    async gradient(input, { parameters }, dOutput, options) {
      const gradients = await linearGradientBy(problem, parameters!, plain(input), plain(dOutput), (x, w) =>
        multiply(x, w, options),
      );
      const { dInput, dWeight, dBias } = gradients;
      const values: Readonly<Record<string, Tensor>> = { dInput, dWeight, ...(dBias && { dBias }) };
      const filled = await filledBy(heap, values, async (tensors) => {
        for (const [name, tensor] of Object.entries(tensors)) heap.array(tensor).set(values[name]!.data);
      });
      return filled as unknown as LinearGradients<WasmTensor>;
    },
    dispose() {
      for (const lease of leases) lease.release();
    },
  };
}

function leaseOf(
  { modules, planOptions }: Engine,
  dtype: LinearVariant['dtype'],
  inputs: number,
  outputs: number,
  bias: boolean,
  activation: LinearVariant['activation'],
): Promise<ModuleLease> {
  const { shared, relaxedSimd: relaxed } = planOptions;
  const variant: LinearVariant = { dtype, inputs, outputs, bias, activation, shared, relaxed };
  return modules.lease({ key: `linear ${JSON.stringify(variant)}`, generate: () => generateLinear(variant) });
}

function run(
  { heap, team, queue }: Engine,
  input: WasmTensor,
  { module: { lease, rows: itemRows, scratchBytes, worthHelp }, panels, bias }: Omit<Packed, 'parameters'>,
  outputs: number,
  signal: AbortSignal | undefined,
): Promise<WasmTensor> {
  const { dtype } = input;
  const leading = input.shape.slice(0, -1);
  const rows = sizeOf(leading);
  const bytes = dtype === 'float64' ? 8 : 4;
  const columns = Math.ceil((outputs * bytes) / BLOCK_BYTES);
  const tasks = columns * Math.ceil(rows / itemRows);
  const helpers = rows * outputs * input.shape.at(-1)! < worthHelp ? 0 : team.helpersFor(tasks);
  const forms = { output: { dtype, shape: [...leading, outputs] } };
  const compute = ({ output }: { readonly output: WasmTensor }): Promise<void> =>
    withBlocks(heap, async ({ allocate }) => {
      const scratchStride = scratchBytes;
      const scratch = allocate((1 + helpers) * scratchStride);
      const frame = allocate(FRAME_BYTES);
      const view = heap.view();
      const addresses = {
        input: input.address,
        panels: panels.address,
        bias: bias?.address ?? 0,
        output: output.address,
      };
      for (const [field, value] of Object.entries({ ...addresses, rows, columns })) {
        view.setUint32(frame + FRAME[field as keyof typeof FRAME], value, true);
      }
      const phases = [{ export: 'linear', firstTask: 0, tasks }];
      await team.run({ module: lease.module, phases, frame, scratch, scratchStride }, helpers, signal);
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

/** A weight `[out, in]` with the columns of two vectors side by side, 0 behind the last. */
function packedPanels({ heap }: Engine, { dtype, shape, data }: Tensor): WasmTensor {
  const [outputs, inputs] = shape as [number, number];
  const width = PANEL_BYTES / (dtype === 'float64' ? 8 : 4);
  const packed = allocateTensor(heap, dtype, [Math.ceil(outputs / width), inputs, width]);
  const panels = heap.array(packed);
  panels.fill(0);
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

/** A bias that ends with a panel. */
function paddedBias({ heap }: Engine, { dtype, shape, data }: Tensor): WasmTensor {
  const width = PANEL_BYTES / (dtype === 'float64' ? 8 : 4);
  const padded = allocateTensor(heap, dtype, [Math.ceil(shape[0]! / width) * width]);
  const array = heap.array(padded);
  array.fill(0);
  array.set(data);
  return padded;
}
