import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BackendProvider } from '@heed/core';
import type { Contestant } from '../contestant.ts';
import { loadable } from '../loadable.ts';
import { backendContestant } from './backend.ts';
import { tfjsCpu } from './tfjs-cpu.ts';
import { tripleLoop } from './triple-loop.ts';

/** Every contestant that is not a Heed backend. */
export const peers: readonly Contestant[] = [tripleLoop, tfjsCpu];

/**
 * A contestant from its name, so that a process of its own can make it anew: a peer, or the package name, path or URL
 * of a module whose default export is a Heed backend's provider. Nothing is imported until it is probed or prepared.
 */
export function contestantNamed(name: string): Contestant {
  return peers.find((peer) => peer.name === name) ?? imported(name);
}

function imported(name: string): Contestant {
  const specifier = /^\.{0,2}\//.test(name) ? pathToFileURL(path.resolve(name)).href : name;
  const load = async (): Promise<Contestant> => {
    const module = (await import(specifier)) as { readonly default: BackendProvider };
    return backendContestant(module.default, { name });
  };
  return {
    name,
    async probe() {
      const availability = await loadable([name], load);
      return availability.available ? (await load()).probe() : availability;
    },
    prepare: async (workload, request) => (await load()).prepare(workload, request),
  };
}
