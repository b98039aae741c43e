import type { PublicPackage } from '../release/workspace.ts';

const OURS = /^(@heed\/|create-heed-)/;

/** Whether a package works by itself, without an engine that its user must choose to install. */
export function isSelfContained({ manifest }: PublicPackage): boolean {
  const { peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
  return Object.keys(peerDependencies).every(
    (name) => OURS.test(name) || peerDependenciesMeta[name]?.optional,
  );
}

export function isBackend({ manifest }: PublicPackage): boolean {
  return manifest.keywords?.includes('heed-backend') ?? false;
}

/** What a package can be imported by: `@heed/core`, `@heed/core/reference`. */
export function entryPoints({ manifest }: PublicPackage): string[] {
  return Object.keys(manifest.exports ?? {})
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => `${manifest.name}${entry.slice(1)}`);
}

/** A program that computes attention on a backend. The import of the backend is the only line that names it. */
export function program(backend: string): string {
  return `import { attention, tensor } from '@heed/core';
import provider from '${backend}';

const backend = await provider.create();
const numbers = (phase) => Float32Array.from({ length: 96 }, (_, n) => Math.sin(phase + n));
const [query, key, value] = [0, 1, 2].map((phase) => tensor([1, 2, 6, 8], numbers(phase)));
const { output } = await attention(backend, { query, key, value, causal: true });
await backend.dispose();
console.log(JSON.stringify({ name: backend.name, output: [...output.data] }));
`;
}

/** What {@link program} prints. */
export interface Printed {
  readonly name: string;
  readonly output: readonly number[];
}

/** The largest difference of two outputs; infinite when they are not of one size, or one is not finite. */
export function distance(a: Printed, b: Printed): number {
  if (a.output.length !== b.output.length || a.output.length === 0) return Infinity;
  const differences = a.output.map((x, n) => Math.abs(x - b.output[n]!));
  return differences.every(Number.isFinite) ? Math.max(...differences) : Infinity;
}
