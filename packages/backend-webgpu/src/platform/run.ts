import type { DType } from '@heed/core';
import { now } from '@heed/core/backend';
import {
  type GpuTensor,
  bindingOf,
  bytesOf,
  createBuffer,
  createTensor,
  tooLarge,
} from '../memory/gpu-tensor.ts';
import { type Span, type Spans, windowOf } from '../plan/spans.ts';
import { PARAMS_BYTES, type Params, writeParams } from '../shader/params.ts';
import { COPY_DST, UNIFORM } from './constants.ts';
import type { Engine } from './engine.ts';
import type { Pipeline } from './pipelines.ts';
import { orLost, scoped } from './scoped.ts';

/** One shader over a grid of workgroups. */
export interface Dispatch {
  readonly pipeline: Pipeline;
  /** Bound tensors, by the names of the bindings. */
  readonly tensors: Readonly<Record<string, GpuTensor | undefined>>;
  readonly params: Params;
  readonly grid: readonly [x: number, y: number, z: number];
  /** Approximate number of multiplications of a workgroup. */
  readonly work: number;
  /** Parts, for each slice, of tensors that may be larger than a shader can see. */
  readonly spans?: Spans;
  /**
   * First of the slices, if the parts that all of them need are bound at once, of each tensor that has spans; default: 0, and parts
   * only of what is too large.
   */
  readonly firstSlice?: number;
}

interface Copy {
  readonly from: GpuTensor;
  readonly fromByte: number;
  readonly to: GpuTensor;
  readonly toByte: number;
  readonly bytes: number;
}

type Step = { readonly dispatch: Dispatch } | { readonly copy: Copy };

/** The time of one submission of a long run: a driver resets a device that is silent for some two seconds. */
const SUBMISSION_SECONDS = 0.1;
/** Number of workgroups along an axis that every WebGPU device can start. */
const MAXIMUM_WORKGROUPS = 65_535;

/** One call's work on the device: memory, copies and shaders, in order. */
export class Run {
  readonly #engine: Engine;
  readonly #temporary: GpuTensor[] = [];
  readonly #results: GpuTensor[] = [];
  readonly #steps: Step[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Words that end with the run; they are 0. */
  scratch(words: number): GpuTensor {
    return this.temporary('int32', [words]);
  }

  /** A tensor of zeros that ends with the run. */
  temporary(dtype: DType, shape: readonly number[]): GpuTensor {
    const tensor = createTensor(this.#engine, dtype, shape);
    this.#temporary.push(tensor);
    return tensor;
  }

  /** A tensor of zeros that outlives the run, unless that fails. */
  result(dtype: DType, shape: readonly number[]): GpuTensor {
    const tensor = createTensor(this.#engine, dtype, shape);
    this.#results.push(tensor);
    return tensor;
  }

  copy(from: GpuTensor, fromByte: number, to: GpuTensor, toByte: number, bytes: number): void {
    if (bytes > 0) this.#steps.push({ copy: { from, fromByte, to, toByte, bytes } });
  }

  /** @throws HeedError `OUT_OF_MEMORY` when a shader cannot see what one slice needs of a tensor. */
  dispatch(dispatch: Dispatch): void {
    if (!dispatch.grid.every((count) => count > 0)) return;
    const most = this.#engine.largestBinding;
    const { grid, firstSlice } = dispatch;
    const inParts = inPartsOf(dispatch, most);
    const each = firstSlice === undefined ? 1 : grid[1];
    for (let slice = 0; slice < grid[1] && inParts.length > 0; slice += each) {
      const first = (firstSlice ?? 0) + slice;
      for (const { name, tensor, span } of inParts) {
        const [from, to] = span === undefined ? [0, bytesOf(tensor)] : windowOf(span, first, first + each);
        if (to - from <= most) continue;
        const called = NAMES[name] ?? name;
        const what = span === undefined ? called : `${called} of one head`;
        throw tooLarge(what, to - from, 'maxStorageBufferBindingSize', most);
      }
    }
    this.#steps.push({ dispatch });
  }

  /**
   * Records the work with `plan`, and does it.
   *
   * @throws the signal's reason; HeedError `OUT_OF_MEMORY`, `ENGINE`. Then all memory has been given back.
   */
  static async execute<T>(
    engine: Engine,
    signal: AbortSignal | undefined,
    plan: (run: Run) => T,
  ): Promise<T> {
    const run = new Run(engine);
    try {
      const result = await scoped(engine, () => plan(run));
      await run.#submit(signal);
      return result;
    } catch (error) {
      for (const { buffer } of run.#results) buffer.destroy();
      throw error;
    } finally {
      for (const { buffer } of run.#temporary) buffer.destroy();
    }
  }

  async #submit(signal: AbortSignal | undefined): Promise<void> {
    const engine = this.#engine;
    const { device } = engine;
    let pieces: (Copy | Piece)[] = [];
    let work = 0;
    // The device works on one submission while the next is recorded: the one that it works on, and when it was last free.
    let before: Promise<void> | undefined;
    let free = 0;
    const observe = async (amount: number): Promise<void> => {
      const start = now();
      await orLost(engine, device.queue.onSubmittedWorkDone());
      const seconds = Math.max(1e-4, (now() - Math.max(start, free)) / 1000);
      free = now();
      engine.rate = Math.max(engine.rate / 4, Math.min(amount / seconds, engine.rate * 8));
    };
    const flush = async (isLast: boolean): Promise<void> => {
      const given = pieces;
      const amount = work;
      pieces = [];
      work = 0;
      await scoped(engine, () => encode(engine, given));
      if (isLast) return;
      const own = observe(amount);
      // The next submission waits for it, and hears of a lost device; nothing waits for that of the last piece.
      own.catch(() => {});
      await before;
      before = own;
      signal?.throwIfAborted();
    };
    for (const step of this.#steps) {
      if ('copy' in step) {
        pieces.push(step.copy);
        continue;
      }
      const inParts =
        step.dispatch.firstSlice === undefined ? inPartsOf(step.dispatch, engine.largestBinding) : [];
      const fitting = (first: number, count: number): number =>
        fittingSlices(inParts, engine.largestBinding, first, count);
      const budget = (): number => engine.rate * SUBMISSION_SECONDS - work;
      for (const piece of piecesOf(step.dispatch, budget, fitting)) {
        pieces.push(piece);
        work += piece.work;
        if (work >= engine.rate * SUBMISSION_SECONDS) await flush(false);
      }
    }
    await flush(true);
  }
}

/** Names of bindings in errors, where they are not those of tensors. */
const NAMES: Readonly<Record<string, string>> = { weightsOut: 'weights', gradients: 'dKey and dValue' };

/** A tensor that is bound in parts: one that is larger than a shader can see, or has the addresses of such a one. */
interface InParts {
  readonly name: string;
  readonly tensor: GpuTensor;
  readonly span: Span | undefined;
}

function inPartsOf({ pipeline, tensors, spans, firstSlice }: Dispatch, most: number): InParts[] {
  const all = pipeline.shader.bindings.map(({ name }) => {
    const tensor = tensors[name]!;
    return { name, tensor, span: spans?.[name], isLarge: bytesOf(tensor) > most };
  });
  const shifted = new Set(all.flatMap(({ span, isLarge }) => (span && isLarge ? [span.base] : [])));
  return all.filter(
    ({ span, isLarge }) => isLarge || (span && (firstSlice !== undefined || shifted.has(span.base))),
  );
}

/** Returns how many slices from the first on a shader can see at a time: at least one. */
function fittingSlices(inParts: readonly InParts[], most: number, first: number, count: number): number {
  const fits = (end: number): boolean =>
    inParts.every(({ span }) => {
      const [from, to] = windowOf(span!, first, end);
      return to - from <= most;
    });
  let fitting = count;
  while (fitting > 1 && !fits(first + fitting)) fitting--;
  return fitting;
}

/** A part of a dispatch: blocks and slices from the first on. */
interface Piece {
  readonly dispatch: Dispatch;
  readonly firstX: number;
  readonly firstY: number;
  readonly grid: readonly [number, number, number];
  readonly work: number;
}

/**
 * @param budget multiplications that the next piece may do.
 * @param fitting slices that a shader can see at a time.
 */
function* piecesOf(
  dispatch: Dispatch,
  budget: () => number,
  fitting: (first: number, count: number) => number,
): Generator<Piece> {
  const { grid, work, firstSlice = 0 } = dispatch;
  const [columns, all, depth] = grid;
  const end = firstSlice + all;
  let y = firstSlice;
  while (y < end) {
    const inRow = Math.min(columns, MAXIMUM_WORKGROUPS);
    const most = Math.max(1, Math.floor(budget() / (work * depth * columns)));
    const wanted = columns > MAXIMUM_WORKGROUPS ? 1 : Math.min(end - y, most, MAXIMUM_WORKGROUPS);
    const count = fitting(y, wanted);
    let x = 0;
    while (x < columns) {
      const width =
        count > 1 || most > 1 ? inRow : Math.min(inRow, Math.max(1, Math.floor(budget() / (work * depth))));
      const wide = Math.min(columns - x, width);
      yield { dispatch, firstX: x, firstY: y, grid: [wide, count, depth], work: wide * count * depth * work };
      x += wide;
    }
    y += count;
  }
}

/** Parameters begin at multiples of what every device allows. */
const PARAMS_STRIDE = Math.ceil(PARAMS_BYTES / 256) * 256;

function encode(engine: Engine, pieces: readonly (Copy | Piece)[]): void {
  const { device } = engine;
  const encoder = device.createCommandEncoder();
  const dispatches = pieces.filter((piece) => 'dispatch' in piece);
  const params = new ArrayBuffer(Math.max(1, dispatches.length) * PARAMS_STRIDE);
  const view = new DataView(params);
  const uniforms = createBuffer(engine, params.byteLength, UNIFORM | COPY_DST);
  let index = 0;
  for (const piece of pieces) {
    if (!('dispatch' in piece)) {
      const { from, fromByte, to, toByte, bytes } = piece;
      encoder.copyBufferToBuffer(from.buffer, from.offset + fromByte, to.buffer, to.offset + toByte, bytes);
      continue;
    }
    const { dispatch, firstX, firstY, grid } = piece;
    const { pipeline, tensors } = dispatch;
    const at = PARAMS_STRIDE * index++;
    const [first, count] =
      dispatch.firstSlice === undefined ? [firstY, grid[1]] : [dispatch.firstSlice, dispatch.grid[1]];
    const windows = new Map(
      inPartsOf(dispatch, engine.largestBinding).map(({ name, span }) => [
        name,
        { span: span!, bytes: windowOf(span!, first, first + count) },
      ]),
    );
    const bases = [...windows.values()].map(({ span, bytes }) => [span.base, bytes[0] / span.unit]);
    writeParams(view, at, { ...dispatch.params, firstX, firstY, ...Object.fromEntries(bases) });
    const bindGroup = device.createBindGroup({
      layout: pipeline.layout,
      entries: [
        { binding: 0, resource: { buffer: uniforms, size: PARAMS_BYTES } },
        ...pipeline.shader.bindings.map(({ name }, n) => ({
          binding: n + 1,
          resource: bindingOf(tensors[name]!, windows.get(name)?.bytes),
        })),
      ],
    });
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline.compute);
    pass.setBindGroup(0, bindGroup, [at]);
    pass.dispatchWorkgroups(...grid);
    pass.end();
  }
  device.queue.writeBuffer(uniforms, 0, params);
  device.queue.submit([encoder.finish()]);
  // Submitted work still reads it.
  uniforms.destroy();
}
