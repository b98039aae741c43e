import type { AttentionBackend } from '@heed/core';

/** Kernels of an operation on the engines that a layer was called with. They end with the layer or the backend. */
export class Kernels<Problem, Kernel> {
  readonly #engines = new WeakMap<AttentionBackend, Map<string, Promise<Kernel>>>();
  readonly #compile: (backend: AttentionBackend, problem: Problem) => Promise<Kernel>;

  constructor(compile: (backend: AttentionBackend, problem: Problem) => Promise<Kernel>) {
    this.#compile = compile;
  }

  of(backend: AttentionBackend, problem: Problem): Promise<Kernel> {
    const kernels = this.#engines.get(backend) ?? new Map<string, Promise<Kernel>>();
    this.#engines.set(backend, kernels);
    const key = JSON.stringify(problem);
    const compiling = kernels.get(key) ?? this.#compile(backend, problem);
    kernels.set(key, compiling);
    compiling.catch(() => kernels.delete(key));
    return compiling;
  }
}
