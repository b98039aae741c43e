import path from 'node:path';
import { type Manifest, isInstalled, readManifest } from './resolve.ts';

/** Backends of this project, the fastest on a processor first. Those that are `optional` are named only where they are installed. */
const KNOWN = [
  { name: 'native', optional: true },
  { name: 'wasm', optional: false },
  { name: 'ts', optional: false },
  { name: 'webgpu', optional: true },
  { name: 'gpujs', optional: true },
  { name: 'tfjs-node', optional: true },
  { name: 'cluster', optional: true },
  { name: 'reference', optional: false },
] as const;

const KEYWORD = 'heed-backend';

/**
 * Names of the backends to look at if none is given: those of this project, and the dependencies of the current
 * folder's package that carry the keyword `heed-backend`.
 */
export function installedBackends(): string[] {
  const own = KNOWN.filter(({ name, optional }) => !optional || isInstalled(name)).map(({ name }) => name);
  const ours = new Set(KNOWN.map(({ name }) => `@heed/backend-${name}`));
  return [...own, ...thirdParty().filter((name) => !ours.has(name))];
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
