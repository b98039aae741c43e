import path from 'node:path';
import { type Manifest, isInstalled, readManifest } from './resolve.ts';

/** Backends of this project, the fastest on a processor first. Those that come with the command bring nothing more. */
const KNOWN: readonly { readonly name: string; readonly brings?: string }[] = [
  { name: 'native', brings: 'C++ on all of the processor: the fastest attention in Node' },
  { name: 'wasm' },
  { name: 'ts' },
  { name: 'webgpu', brings: 'the GPU, in a browser or through Dawn' },
  { name: 'gpujs', brings: "gpu.js' modes, for a program that uses it" },
  { name: 'tfjs-node', brings: 'tensors of TensorFlow.js without a copy' },
  { name: 'cluster', brings: 'one attention over many machines, on NATS JetStream' },
  { name: 'reference' },
];

const KEYWORD = 'heed-backend';

/**
 * Names of the backends to look at if none is given: those of this project, and the dependencies of the current
 * folder's package that carry the keyword `heed-backend`.
 */
export function installedBackends(): string[] {
  const own = KNOWN.filter(({ name, brings }) => !brings || isInstalled(name)).map(({ name }) => name);
  const ours = new Set(KNOWN.map(({ name }) => `@heed/backend-${name}`));
  return [...own, ...thirdParty().filter((name) => !ours.has(name))];
}

/** A backend of this project that is not installed. */
export interface AbsentBackend {
  readonly name: string;
  readonly package: string;
  /** Advantage over those that come with the command. */
  readonly brings: string;
  readonly remedy: string;
}

export function absentBackends(): AbsentBackend[] {
  return KNOWN.flatMap(({ name, brings }) => {
    if (!brings || isInstalled(name)) return [];
    const from = `@heed/backend-${name}`;
    return [{ name, package: from, brings, remedy: `npm install ${from}` }];
  });
}

function thirdParty(): string[] {
  const folder = process.cwd();
  const manifest = readManifest(path.join(folder, 'package.json'));
  const names = Object.keys({
    ...manifest?.dependencies,
    ...manifest?.devDependencies,
    ...manifest?.optionalDependencies,
  });
  return names.filter((name) => manifestOf(name, folder)?.keywords?.includes(KEYWORD));
}

/** Finds a dependency's manifest as Node does; its exports may not allow an import. */
function manifestOf(name: string, folder: string): Manifest | null {
  for (let at = folder; ; at = path.dirname(at)) {
    const manifest = readManifest(path.join(at, 'node_modules', name, 'package.json'));
    if (manifest !== null || path.dirname(at) === at) return manifest;
  }
}
