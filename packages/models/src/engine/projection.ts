import type {
  Activation,
  AttentionBackend,
  LinearKernel,
  LinearProblem,
  PackedWeights,
  ResidentTensor,
  RunOptions,
  Tensor,
} from '@heed/core';
import { isResident } from '@heed/core';
import { CURVES, isStoredType, zeros } from '@heed/core/backend';
import { Linear, type StateDict, activate } from '@heed/layers';
import { type Matrix, decoded, stacked } from '../weights/matrix.ts';

type Float32 = Tensor<'float32'>;

/** A matrix, and a bias where there is one. */
export interface ProjectionPart {
  readonly weight: Matrix;
  readonly bias?: Float32 | null | undefined;
}

/** Matrices of one type below one another. */
interface Part {
  readonly weight: Matrix;
  readonly bias: Float32 | null;
}

/** A part where an engine can use it. */
interface Packed {
  readonly kernel: LinearKernel;
  readonly weights: PackedWeights;
}

const kernels = new WeakMap<AttentionBackend, Map<string, Promise<LinearKernel>>>();

/** One kernel for all projections of a backend that have the same problem. */
function kernelOf(backend: AttentionBackend, problem: LinearProblem): Promise<LinearKernel> {
  const known = kernels.get(backend) ?? new Map<string, Promise<LinearKernel>>();
  kernels.set(backend, known);
  const key = JSON.stringify(problem);
  const kernel = known.get(key) ?? backend.linear!.compile(problem);
  known.set(key, kernel);
  kernel.catch(() => known.delete(key));
  return kernel;
}

/**
 * f(x Wᵀ + b) with W as the file stores it, which never changes. On a backend that offers `linear`, W is packed there once: as it
 * is where the backend takes its type, else as float32. On others `@heed/layers` computes it, in float32, and so it does with a W of
 * float32 on a backend whose `linear` is scalar, which takes several times as long. Several matrices with
 * the same input are one product.
 *
 * With a gate, f of the first half of these numbers is multiplied by the second half, on the backend where it offers `linear.gate`.
 */
export class Projection {
  /** The width of the input. */
  readonly inputDim: number;
  /** The width of the output. */
  readonly outputDim: number;
  readonly #parts: readonly Part[];
  readonly #activation: Activation | null;
  readonly #isGated: boolean;
  readonly #engines = new WeakMap<AttentionBackend, Promise<readonly Packed[]>>();
  #layers: readonly Linear[] | null = null;

  /**
   * @param given `weight` `[out, in]`, and a float32 `bias` `[out]` if there is one; or several of these, which follow one another in
   * the output.
   * @param isGated true for a gate, whose matrix comes first.
   */
  constructor(
    given: StateDict | readonly ProjectionPart[],
    activation: Activation | null = null,
    isGated = false,
  ) {
    const parts = Array.isArray(given)
      ? (given as readonly ProjectionPart[])
      : [{ weight: (given as StateDict)['weight'] as Matrix, bias: (given as StateDict)['bias'] as Float32 }];
    this.#parts = joined(parts.map(({ weight, bias }) => ({ weight, bias: bias ?? null })));
    this.#activation = activation;
    this.#isGated = isGated;
    this.inputDim = parts[0]!.weight.shape[1]!;
    const rows = parts.reduce((sum, { weight }) => sum + weight.shape[0]!, 0);
    this.outputDim = isGated ? rows / 2 : rows;
  }

  /** `[…, in]` → `[…, out]`, in this process's memory. */
  async forward(
    backend: AttentionBackend,
    input: Float32 | ResidentTensor,
    run: RunOptions,
  ): Promise<Float32> {
    if (!this.#belongsOn(backend))
      return this.#onHost((isResident(input) ? await input.read() : input) as Float32);
    const outputs: Float32[] = [];
    for (const { kernel, weights } of await this.#on(backend)) {
      outputs.push((await kernel.run({ input, weights }, run)).output as Float32);
    }
    return this.#gatesOn(backend) ? outputs[0]! : this.#finished(outputs);
  }

  /**
   * The same in the backend's memory, plus another tensor, `[…, out]`: on a backend that offers `linear.residual`, of a projection of
   * one matrix. The caller disposes the result.
   */
  async onEngine(
    backend: AttentionBackend,
    input: Float32 | ResidentTensor,
    run: RunOptions,
    residual?: ResidentTensor,
  ): Promise<ResidentTensor<'float32'>> {
    const [{ kernel, weights }] = (await this.#on(backend)) as [Packed];
    const given = { input, weights, ...(residual && { residual }) };
    return (await kernel.run(given, { ...run, resident: true })).output as ResidentTensor<'float32'>;
  }

  /** The same, in the backend's memory where it offers `linear`; the caller disposes what is resident. */
  async stay(
    backend: AttentionBackend,
    input: Float32 | ResidentTensor,
    run: RunOptions,
  ): Promise<Float32 | ResidentTensor<'float32'>> {
    const staysHere = this.#parts.length > 1 || (this.#isGated && !this.#gatesOn(backend));
    if (!this.#belongsOn(backend) || staysHere) return this.forward(backend, input, run);
    const [{ kernel, weights }] = (await this.#on(backend)) as [Packed];
    const { output } = await kernel.run({ input, weights }, { ...run, resident: true });
    return output as ResidentTensor<'float32'>;
  }

  /** Returns whether a backend computes it, and faster than this process otherwise would, or without a larger copy of W. */
  #belongsOn({ linear }: AttentionBackend): boolean {
    if (linear?.scalar !== true) return linear !== undefined;
    return this.#parts.some(({ weight: { dtype } }) => isStoredType(dtype));
  }

  /** Returns whether a backend computes the gate: that of one matrix. */
  #gatesOn({ capabilities: { operations = [] } }: AttentionBackend): boolean {
    return this.#isGated && this.#parts.length === 1 && operations.includes('linear.gate');
  }

  /** The outputs of all parts as one, gated. */
  #finished(outputs: readonly Float32[]): Float32 {
    const sums = outputs.length === 1 ? outputs[0]! : sideBySide(outputs);
    return this.#isGated ? gated(this.#activation, sums) : sums;
  }

  #onHost(input: Float32): Float32 {
    this.#layers ??= this.#parts.map(linearOf);
    const outputs = this.#layers.map((layer) => {
      const sum = layer.forward(input);
      const isActivated = this.#activation !== null && !this.#isGated;
      return (isActivated ? activate(this.#activation!, sum) : sum) as Float32;
    });
    return this.#finished(outputs);
  }

  #on(backend: AttentionBackend): Promise<readonly Packed[]> {
    const before = this.#engines.get(backend);
    if (before !== undefined) return before;
    const packed = this.#packAll(backend);
    this.#engines.set(backend, packed);
    // The next call retries what failed, such as for lack of memory.
    packed.catch(() => this.#engines.delete(backend));
    return packed;
  }

  async #packAll(backend: AttentionBackend): Promise<readonly Packed[]> {
    const packed: Packed[] = [];
    for (const part of this.#parts) packed.push(await this.#pack(backend, part));
    return packed;
  }

  async #pack(backend: AttentionBackend, { weight, bias }: Part): Promise<Packed> {
    const [outputDim, inputDim] = weight.shape as [number, number];
    const { weightTypes = [] } = backend.capabilities;
    const isTaken = isStoredType(weight.dtype) && weightTypes.includes(weight.dtype);
    const gate = this.#gatesOn(backend);
    const kernel = await kernelOf(backend, {
      inputDim,
      outputDim: gate ? outputDim / 2 : outputDim,
      gate,
      weightType: isTaken ? weight.dtype : 'float32',
      bias: bias !== null,
      activation: this.#isGated && !gate ? null : this.#activation,
    });
    const weights = await kernel.pack({
      weight: isTaken ? weight : decoded(weight),
      ...(bias !== null && { bias }),
    });
    return { kernel, weights };
  }
}

/** Neighbors of one type become one matrix. */
function joined(matrices: readonly Part[]): readonly Part[] {
  const groups: Part[][] = [];
  for (const part of matrices) {
    const last = groups.at(-1);
    const fits =
      last?.[0]!.weight.dtype === part.weight.dtype && (last[0]!.bias === null) === (part.bias === null);
    if (fits) last.push(part);
    else groups.push([part]);
  }
  return groups.map((group) => ({
    weight: stacked(group.map(({ weight }) => weight)),
    bias: group[0]!.bias === null ? null : (stacked(group.map(({ bias }) => bias!)) as Float32),
  }));
}

function linearOf({ weight, bias }: Part): Linear {
  const [outputDim, inputDim] = weight.shape as [number, number];
  const made = new Linear({ inputDim, outputDim, bias: bias !== null, random: () => 0 });
  made.loadStateDict({ weight: decoded(weight), ...(bias !== null && { bias }) });
  return made;
}

/** f(first half) · second half of each row. */
function gated(activation: Activation | null, { shape, data }: Float32): Float32 {
  const width = shape.at(-1)! / 2;
  const at = activation === null ? (x: number): number => x : CURVES[activation].at;
  const result = zeros('float32', [...shape.slice(0, -1), width]);
  for (let row = 0; row * width < result.data.length; row++) {
    const [from, to] = [2 * row * width, row * width];
    for (let n = 0; n < width; n++) result.data[to + n] = at(data[from + n]!) * data[from + width + n]!;
  }
  return result;
}

/** `[…, a]` and `[…, b]` → `[…, a + b]`. */
function sideBySide(outputs: readonly Float32[]): Float32 {
  const width = outputs.reduce((sum, { shape }) => sum + shape.at(-1)!, 0);
  const leading = outputs[0]!.shape.slice(0, -1);
  const result = zeros('float32', [...leading, width]);
  let at = 0;
  for (const { shape, data } of outputs) {
    const own = shape.at(-1)!;
    for (let row = 0; row * own < data.length; row++) {
      result.data.set(data.subarray(row * own, (row + 1) * own), row * width + at);
    }
    at += own;
  }
  return result;
}

/** Frees tensors that are in a backend's memory. */
export function disposeAll(tensors: readonly (Tensor | ResidentTensor | undefined)[]): void {
  for (const tensor of tensors) if (tensor !== undefined && isResident(tensor)) tensor.dispose();
}
