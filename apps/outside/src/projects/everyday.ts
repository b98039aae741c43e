import type { PublicPackage } from '../release/workspace.ts';
import type { Project } from './project.ts';

const OURS = /^(@heed\/|create-heed-)/;

/** Returns whether a package works by itself, without an engine that its user must choose to install. */
export function isSelfContained({ manifest }: PublicPackage): boolean {
  const { peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
  return Object.keys(peerDependencies).every(
    (name) => OURS.test(name) || peerDependenciesMeta[name]?.optional,
  );
}

export function isBackend({ manifest }: PublicPackage): boolean {
  return manifest.keywords?.includes('heed-backend') ?? false;
}

/** Returns the specifiers of a package's imports: `@heed/core`, `@heed/core/reference`. */
export function entryPoints({ manifest }: PublicPackage): string[] {
  return (
    Object.keys(manifest.exports ?? {})
      // A pattern matches modules that are chosen by name; a worker is the program of a thread.
      .filter((entry) => !/\.json$|\*|\/worker$/.test(entry))
      .map((entry) => `${manifest.name}${entry.slice(1)}`)
  );
}

/**
 * Imports an entry point in a separate process, and returns what it printed or its error: '' for nothing. An entry
 * point for another library may lack that library, where it is an optional peer.
 */
export async function importing(
  project: Project,
  { manifest }: PublicPackage,
  entry: string,
): Promise<string> {
  const { stdout, stderr } = await project.outcome(
    'node',
    '--input-type=module',
    '--eval',
    `await import('${entry}')`,
  );
  const [, absent] = /Cannot find package '((?:@[^/']+\/)?[^/']+)/.exec(stderr) ?? [];
  const isOptional = absent !== undefined && manifest.peerDependenciesMeta?.[absent]?.optional === true;
  return isOptional ? '' : stdout + stderr;
}

/** Returns a program that computes attention on a backend. Only the import names the backend. */
export function program(backend: string): string {
  return `import { attention, tensor } from '@heed/core';
import provider from '${backend}';

const backend = await provider.create();
const numbers = (phase) => Float32Array.from({ length: 96 }, (_, n) => Math.sin(phase + n));
const [query, key, value] = [0, 1, 2].map((phase) => tensor(numbers(phase), [1, 2, 6, 8]));
const { output } = await attention(backend, { query, key, value, causal: true });
await backend.dispose();
console.log(JSON.stringify({ name: backend.name, output: [...output.data] }));
`;
}

/** Output of {@link program}. */
export interface Printed {
  readonly name: string;
  readonly output: readonly number[];
}

/** Largest difference of two outputs; infinite if their sizes differ, or a number is not finite. */
export function distance(a: Printed, b: Printed): number {
  if (a.output.length !== b.output.length || a.output.length === 0) return Infinity;
  const differences = a.output.map((x, n) => Math.abs(x - b.output[n]!));
  return differences.every(Number.isFinite) ? Math.max(...differences) : Infinity;
}
