import type { LinearGradients, LinearParameters, LinearProblem, RunOptions, StoredWeight } from '@heed/core';
import { type LinearKernelDefinition, sizeOf } from '@heed/core/backend';
import { type GpuTensor, bytesOf, freeTensor } from '../memory/gpu-tensor.ts';
import { BITS, PRODUCT } from '../operations/bits.ts';
import type { Engine } from '../platform/engine.ts';
import { Run } from '../platform/run.ts';
import { type Binding, THREADS, read, shaderOf, written } from '../shader/module.ts';

type Kernel = LinearKernelDefinition<GpuTensor, object>;

/** Packed weights of both halves. */
interface Halves {
  readonly gate: object;
  readonly up: object;
}

const elementwise = (label: string, bindings: readonly Binding[], code: string) =>
  shaderOf({
    label,
    bindings,
    declarations: [BITS, PRODUCT],
    main: `
  let at = (group.x + params.firstX) * ${THREADS}u + thread;
  if (at >= params.rows) { return; }
${code}`,
  });

const MULTIPLY = elementwise(
  'gate',
  [written('gate'), read('up')],
  '  gate[at] = productOf(gate[at], up[at]);',
);

/** A gradient of 0 stays so: rows that had no influence may hold NaN. */
const MULTIPLY_BACK = elementwise(
  'gradient of a gate',
  [written('gate'), written('up'), read('dOutput')],
  `  let d = dOutput[at];
  let isIgnored = magnitudeOf(d) == 0u;
  let ofGate = select(productOf(d, up[at]), 0u, isIgnored);
  up[at] = select(productOf(d, gate[at]), 0u, isIgnored);
  gate[at] = ofGate;`,
);

/**
 * Gated projections: the halves of the weight are projections of their own, the first with the activation, whose outputs are
 * multiplied on the device.
 *
 * @param compile compiles a projection without a gate.
 */
export async function gatedKernel(
  engine: Engine,
  problem: Required<LinearProblem>,
  compile: (problem: Required<LinearProblem>) => Promise<Kernel>,
  add: (result: GpuTensor, other: GpuTensor, options: RunOptions) => void | Promise<void>,
): Promise<Kernel> {
  const plain = { ...problem, gate: false };
  const { pipelines } = engine;
  const [ofGate, ofUp, multiply, multiplyBack] = await Promise.all([
    compile(plain),
    compile({ ...plain, activation: null }),
    pipelines.get(MULTIPLY),
    pipelines.get(MULTIPLY_BACK),
  ]);

  const packBoth = async (pack: (kernel: Kernel, half: 0 | 1) => Promise<object>): Promise<Halves> => {
    const gate = await pack(ofGate, 0);
    try {
      return { gate, up: await pack(ofUp, 1) };
    } catch (error) {
      ofGate.free!(gate);
      throw error;
    }
  };
  /** Copies of one half of some tensors, while work is done with them. */
  const withHalves = async <T>(
    tensors: readonly (GpuTensor | undefined)[],
    half: 0 | 1,
    work: (halves: readonly (GpuTensor | undefined)[]) => T | Promise<T>,
  ): Promise<T> => {
    const halves = await Run.execute(engine, undefined, (run) =>
      tensors.map((tensor) => {
        if (tensor === undefined) return undefined;
        const [length, ...rest] = tensor.shape as [number, ...number[]];
        const copy = run.result(tensor.dtype, [length / 2, ...rest]);
        run.copy(tensor, half * bytesOf(copy), copy, 0, bytesOf(copy));
        return copy;
      }),
    );
    try {
      return await work(halves);
    } finally {
      for (const tensor of halves) if (tensor) freeTensor(tensor);
    }
  };
  /** Runs both halves, and works on them; frees what is not returned. */
  const both = async <T>(
    input: GpuTensor,
    { gate, up }: Halves,
    options: RunOptions,
    work: (gate: GpuTensor, up: GpuTensor) => Promise<T>,
  ): Promise<T> => {
    const made: GpuTensor[] = [];
    let result: T | undefined;
    try {
      made.push(await ofGate.run(input, gate, options));
      made.push(await ofUp.run(input, up, options));
      result = await work(made[0]!, made[1]!);
      return result;
    } finally {
      for (const tensor of made) if ((tensor as unknown) !== result) freeTensor(tensor);
    }
  };
  const gradient = (
    input: GpuTensor,
    weights: Halves,
    dOutput: GpuTensor,
    options: RunOptions,
  ): Promise<LinearGradients<GpuTensor>> =>
    both(input, weights, options, async (gate, up) => {
      await Run.execute(engine, options.signal, (run) => {
        const rows = sizeOf(dOutput.shape);
        run.dispatch({
          pipeline: multiplyBack,
          tensors: { gate, up, dOutput },
          params: { rows },
          grid: [Math.ceil(rows / THREADS), 1, 1],
          work: THREADS,
        });
      });
      const first = await ofGate.gradient!(input, weights.gate, gate, options);
      let second: LinearGradients<GpuTensor> | undefined;
      let isDone = false;
      try {
        second = await ofUp.gradient!(input, weights.up, up, options);
        await add(first.dInput, second.dInput, options);
        const joined = await joinedOf(engine, first, second);
        isDone = true;
        return { dInput: first.dInput, ...joined };
      } finally {
        const { dInput, ...others } = first;
        const ended = [...Object.values<GpuTensor | undefined>(others), ...Object.values(second ?? {})];
        for (const tensor of [...ended, ...(isDone ? [] : [dInput])]) if (tensor) freeTensor(tensor);
      }
    });

  return {
    pack: ({ weight, bias }) =>
      packBoth((kernel, half) =>
        withHalves([weight, bias], half, ([own, ofBias]) => kernel.pack({ weight: own!, bias: ofBias })),
      ),
    packStored: ({ weight, bias }: LinearParameters<GpuTensor, StoredWeight>) =>
      packBoth((kernel, half) =>
        withHalves([bias], half, ([ofBias]) =>
          kernel.packStored!({ weight: storedHalf(weight, half), bias: ofBias }),
        ),
      ),
    free(weights) {
      const { gate, up } = weights as Halves;
      ofGate.free!(gate);
      ofUp.free!(up);
    },
    run: (input, weights, options) =>
      both(input, weights as Halves, options, async (gate, up) => {
        await Run.execute(engine, options.signal, (run) => {
          const rows = sizeOf(gate.shape);
          const grid = [Math.ceil(rows / THREADS), 1, 1] as const;
          run.dispatch({
            pipeline: multiply,
            tensors: { gate, up },
            params: { rows },
            grid,
            work: THREADS,
          });
        });
        return gate;
      }),
    ...(problem.gradient && {
      gradient: (input, weights, dOutput, options) => gradient(input, weights as Halves, dOutput, options),
    }),
  };
}

/** The gradients of the parameters of both halves, one below the other. */
function joinedOf(
  engine: Engine,
  first: LinearGradients<GpuTensor>,
  second: LinearGradients<GpuTensor>,
): Promise<Omit<LinearGradients<GpuTensor>, 'dInput'>> {
  return Run.execute(engine, undefined, (run) => {
    const below = (upper: GpuTensor, lower: GpuTensor): GpuTensor => {
      const [length, ...rest] = upper.shape as [number, ...number[]];
      const result = run.result(upper.dtype, [2 * length, ...rest]);
      run.copy(upper, 0, result, 0, bytesOf(upper));
      run.copy(lower, 0, result, bytesOf(upper), bytesOf(lower));
      return result;
    };
    return {
      dWeight: below(first.dWeight, second.dWeight),
      ...(first.dBias && { dBias: below(first.dBias, second.dBias!) }),
    };
  });
}

/** One half of a stored weight, whose rows are whole. */
function storedHalf(weight: StoredWeight, half: 0 | 1): StoredWeight {
  const [length, width] = weight.shape as [number, number];
  const data = weight.data as Uint8Array;
  const size = data.length / 2;
  const own = data.subarray(half * size, (half + 1) * size);
  return { ...weight, shape: [length / 2, width], data: own } as StoredWeight;
}
