/** Modules that Node, Deno and Bun have and browsers lack; bundlers for browsers need not know them. */
export interface NodeModules {
  'node:worker_threads': typeof import('node:worker_threads');
  'node:os': typeof import('node:os');
  'node:buffer': typeof import('node:buffer');
}

/** A module of Node's own, or undefined where there is none. */
export function nodeModule<N extends keyof NodeModules>(name: N): NodeModules[N] | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.(name) as NodeModules[N] | undefined;
}

/** Number of threads that the machine runs at the same time. */
export function availableThreads(): number {
  const { navigator } = globalThis as { navigator?: { readonly hardwareConcurrency?: number } };
  return nodeModule('node:os')?.availableParallelism() ?? navigator?.hardwareConcurrency ?? 1;
}
