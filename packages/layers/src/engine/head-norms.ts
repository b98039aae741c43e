import type { AttentionBackend, NormProblem, ResidentTensor, RunOptions } from '@heed/core';
import type { FloatTensor } from '../tensors.ts';
import type { Kept } from './kept.ts';
import { type NormOn, type Norms, normOn } from './norms.ts';

type Name = 'query' | 'key';

/** Norms of heads of one call, with their weights as they were then. */
export interface HeadNorms {
  readonly norms: Norms;
  readonly problem: NormProblem;
  readonly weights: Readonly<Record<Name, FloatTensor>>;
}

/** The same in an engine, and the heads that were normalized, for the gradient. */
export class HeadNormsOn {
  readonly #norms: Readonly<Record<Name, NormOn>>;
  readonly #inputs = new Map<Name, ResidentTensor>();
  readonly #kept: Kept;

  private constructor(norms: Readonly<Record<Name, NormOn>>, kept: Kept) {
    this.#norms = norms;
    this.#kept = kept;
  }

  static async use(
    backend: AttentionBackend,
    { norms, problem, weights }: HeadNorms,
    gradient: boolean,
    kept: Kept,
  ): Promise<HeadNormsOn> {
    const use = (weight: FloatTensor): Promise<NormOn> =>
      norms.use(backend, { ...problem, gradient }, { weight }, kept);
    return new HeadNormsOn({ query: await use(weights.query), key: await use(weights.key) }, kept);
  }

  /** Normalized heads, `[B, L, H, D]`. */
  forward(name: Name, input: ResidentTensor, run: RunOptions): Promise<ResidentTensor> {
    this.#inputs.set(name, input);
    return normOn(this.#norms[name], input, run, this.#kept);
  }

  /** Gradients of the heads before, and of the weight. */
  async back(
    name: Name,
    dOutput: ResidentTensor,
  ): Promise<{ readonly dInput: ResidentTensor; readonly dWeight: ResidentTensor }> {
    const { kernel, weight } = this.#norms[name];
    const input = this.#inputs.get(name)!;
    const { dInput, dWeight } = await kernel.gradient({ input, weight }, { dOutput }, { resident: true });
    return { dInput: this.#kept.add(dInput), dWeight: this.#kept.add(dWeight) };
  }
}
