import type { AttentionBackend, LinearKernel, LinearProblem, PackedWeights, RunOptions } from '@heed/core';
import { sizeOf, zeros } from '@heed/core/backend';
import type { ComputedOn } from '../forward-on.ts';
import { linear, linearGradient } from '../matrix/linear.ts';
import { lastAxis } from '../tensor-like.ts';
import type { FloatTensor } from '../tensors.ts';
import { type Pass, gradientOf, passing } from './kept.ts';
import { versionOf } from './versions.ts';

/** A projection on an engine, in use until its release. */
export interface Projection {
  /** Its kernel and packed weights. */
  readonly ready: Promise<{ readonly kernel: LinearKernel; readonly weights: PackedWeights }>;
  dispose(): void;
}

/** The output of a projection, and the way back. */
export interface Projected {
  readonly output: FloatTensor;
  gradient(dOutput: FloatTensor): Promise<ProjectionGradients>;
}

export interface ProjectionGradients {
  readonly dInput: FloatTensor;
  readonly dWeight: FloatTensor;
  readonly dBias?: FloatTensor | undefined;
}

/** The parameters of a projection. */
export interface ProjectionParameters {
  readonly weight: FloatTensor;
  readonly bias: FloatTensor | undefined;
  /** Other half of a projection with a gate: it is multiplied by the activation of this one. Default: none. */
  readonly gated?: Pick<ProjectionParameters, 'weight' | 'bias'> | undefined;
  /** Function that the kernel applies to each element. Default: none. */
  readonly activation?: LinearProblem['activation'];
  /** True if the gradient follows. Default false. */
  readonly gradient?: boolean;
  /** True if the gradient takes the argument of activation and gate from the run. Default false. */
  readonly argument?: boolean;
}

/** Rows of an input from which on packing the weights for one call costs less than it saves. */
const ROWS_WORTH_PACKING = 64;

/** Returns whether a backend computes projections of an element type, and faster than this package does. */
export function offersLinear(backend: AttentionBackend, { dtype }: FloatTensor): boolean {
  const { linear: offered, capabilities } = backend;
  return offered !== undefined && offered.scalar !== true && capabilities.dtypes.includes(dtype);
}

/** Weights that are packed once, and freed when no call uses them and they are not kept. */
class Packed implements Projection {
  readonly ready: Projection['ready'];
  readonly version: string;
  #uses = 1;

  constructor(ready: Projection['ready'], version: string) {
    this.ready = ready;
    this.version = version;
  }

  use(): this {
    this.#uses++;
    return this;
  }

  dispose(): void {
    if (--this.#uses > 0) return;
    this.ready.then(
      ({ weights }) => weights.dispose(),
      () => undefined,
    );
  }
}

/** Kernels and packed weights of a layer on one engine, by the names of its projections. */
interface Engine {
  readonly kernels: Map<string, Promise<LinearKernel>>;
  readonly kept: Map<string, Packed>;
}

/**
 * Projections of a layer on the engines that it was called with. Weights are packed for each call, since parameters are
 * arrays that anybody may write to; those of a frozen layer are kept until an optimizer or `loadStateDict()` changes them.
 * They end with the layer or the backend.
 */
export class Projections {
  readonly #engines = new WeakMap<AttentionBackend, Engine>();
  /** Counts calls of {@link freeze}; 0 for a layer that is not frozen. */
  #frozen = 0;

  /** Keeps packed weights from now on; takes parameters as they are when they are first used. */
  freeze(): void {
    this.#frozen++;
  }

  /** Returns whether a call with this input is worth the packing. */
  isWorth(input: FloatTensor): boolean {
    return this.#frozen > 0 || sizeOf(input.shape.slice(0, -1)) >= ROWS_WORTH_PACKING;
  }

  /** One projection of an input, here or on an engine that is worth it; `[…, in]` → `[…, out]`. */
  async run(
    backend: AttentionBackend,
    name: string,
    parameters: ProjectionParameters,
    input: FloatTensor,
    run: RunOptions,
  ): Promise<FloatTensor> {
    if (!offersLinear(backend, input) || !this.isWorth(input)) {
      return linear(input, parameters.weight, parameters.bias);
    }
    const projection = this.use(backend, name, parameters);
    try {
      const { kernel, weights } = await projection.ready;
      return (await kernel.run({ input, weights }, run)).output as FloatTensor;
    } finally {
      projection.dispose();
    }
  }

  /** The same with its gradient. */
  async runForward(
    backend: AttentionBackend,
    name: string,
    parameters: ProjectionParameters,
    input: FloatTensor,
    run: RunOptions,
  ): Promise<Projected> {
    if (!offersLinear(backend, input) || !this.isWorth(input)) return projectedHere(parameters, input);
    const pass = (): Promise<LinearPass> =>
      passing(async (kept) => {
        const projection = kept.add(this.use(backend, name, { ...parameters, gradient: true }));
        const { kernel, weights } = await projection.ready;
        const { output } = await kernel.run({ input, weights }, run);
        return { kept, kernel, weights, output: output as FloatTensor };
      });
    const first = await pass();
    return {
      output: first.output,
      gradient: gradientOf(first, pass, async ({ kernel, weights }, dOutput: FloatTensor) => {
        const gradients = await kernel.gradient({ input, weights }, { dOutput });
        return gradients as ProjectionGradients;
      }),
    };
  }

  /** The projection of a layer that has one, with its gradient where asked for. */
  async forward(
    backend: AttentionBackend,
    { weight, bias }: ProjectionParameters,
    input: FloatTensor,
    { gradient, run }: { readonly gradient: boolean; readonly run: RunOptions },
  ): Promise<ComputedOn> {
    const parameters = { weight, bias };
    if (!gradient) return { output: await this.run(backend, 'weight', parameters, input, run) };
    const { output, gradient: back } = await this.runForward(backend, 'weight', parameters, input, run);
    return {
      output,
      async gradient(given) {
        const dOutput = lastAxis('dOutput', given, input.dtype, weight.shape[0]);
        const { dInput, dWeight, dBias } = await back(dOutput);
        return { dInput, parameters: { weight: dWeight, ...(dBias && { bias: dBias }) } };
      },
    };
  }

  /**
   * Takes the parameters as they are now.
   *
   * @param name tells the projections of a layer apart.
   */
  use(backend: AttentionBackend, name: string, parameters: ProjectionParameters): Projection {
    const engine = this.#engines.get(backend) ?? { kernels: new Map(), kept: new Map() };
    this.#engines.set(backend, engine);
    const { weight, bias, gated } = parameters;
    const versions = [weight, bias, gated?.weight, gated?.bias].map((part) => part && versionOf(part.data));
    const version = `${this.#frozen} ${versions.join(' ')}`;
    const key = `${name} ${parameters.activation ?? ''} ${parameters.gradient ?? false}`;
    const before = engine.kept.get(key);
    if (this.#frozen > 0 && before?.version === version) return before.use();
    const packed = new Packed(pack(backend, engine, key, parameters), version);
    if (this.#frozen === 0) return packed;
    before?.dispose();
    engine.kept.set(key, packed);
    // The next call retries what failed, such as for lack of memory.
    packed.ready.catch(() => {
      if (engine.kept.get(key) === packed) engine.kept.delete(key);
    });
    return packed.use();
  }
}

/** A pass of a projection. */
interface LinearPass extends Pass {
  readonly kernel: LinearKernel;
  readonly weights: PackedWeights;
  readonly output: FloatTensor;
}

/** A projection that is computed here. */
export function projectedHere({ weight, bias }: ProjectionParameters, input: FloatTensor): Projected {
  return {
    output: linear(input, weight, bias),
    async gradient(dOutput) {
      const { dInput, dWeight, dBias } = linearGradient(input, weight, dOutput);
      return { dInput, dWeight, ...(bias && { dBias }) };
    },
  };
}

async function pack(
  backend: AttentionBackend,
  { kernels }: Engine,
  key: string,
  { weight, bias, gated, activation = null, gradient = false, argument = false }: ProjectionParameters,
): Projection['ready'] {
  const [outputDim, inputDim] = weight.shape;
  const { dtype } = weight;
  const common = { inputDim, outputDim, dtype, bias: bias !== undefined, activation, gradient, argument };
  const problem = gated === undefined ? common : { ...common, gate: true };
  // Changes to the parameters from now on apply to the next call.
  const given = {
    weight: joined(weight, gated?.weight),
    ...(bias && { bias: joined(bias, gated?.bias) }),
  };
  const compiling = kernels.get(key) ?? backend.linear!.compile(problem);
  kernels.set(key, compiling);
  compiling.catch(() => kernels.delete(key));
  const kernel = await compiling;
  return { kernel, weights: await kernel.pack(given) };
}

/** A copy of a tensor, with another below it. */
function joined(first: FloatTensor, second: FloatTensor | undefined): FloatTensor {
  if (second === undefined) return { ...first, data: first.data.slice() };
  const [length, ...rest] = first.shape;
  const both = zeros(first.dtype, [2 * length, ...rest]) as FloatTensor;
  both.data.set(first.data);
  both.data.set(second.data, first.data.length);
  return both;
}
