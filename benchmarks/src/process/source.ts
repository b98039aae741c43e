import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BackendProvider } from '@heed/core';
import type { Contestant } from '../contestant.ts';
import { backendContestant } from '../contestants/backend.ts';

/** Source of a contestant, as plain data: a process of its own loads it. */
export interface ContestantSource {
  /** Name, unique within a measurement. */
  readonly name: string;
  /** URL, or package name, of a module whose default export is a {@link Contestant} or a Heed backend's provider. */
  readonly module: string;
}

/** Modules that adapt the libraries that backends are compared with. The first is the baseline. */
const PEERS: Readonly<Record<string, string>> = {
  'triple loop': 'triple-loop',
  '@tensorflow/tfjs-backend-cpu': 'tfjs-cpu',
  '@tensorflow/tfjs-backend-wasm': 'tfjs-wasm',
  '@tensorflow/tfjs-node': 'tfjs-node',
  'onnxruntime-node Attention': 'onnxruntime-node-attention',
  'onnxruntime-node MultiHeadAttention': 'onnxruntime-node-mha',
  'onnxruntime-web': 'onnxruntime-web',
  '@jax-js/jax': 'jax-js',
  PyTorch: 'pytorch',
};

/** Every contestant that is not a Heed backend. */
export const peers: readonly ContestantSource[] = Object.entries(PEERS).map(([name, file]) => ({
  name,
  module: new URL(`../contestants/${file}.js`, import.meta.url).href,
}));

/** Default baseline of ratios. */
export const tripleLoop: ContestantSource = peers[0]!;

/**
 * A contestant from its name: a peer, or the package name, path or URL of a module whose default export is a Heed
 * backend's provider or a {@link Contestant}. Nothing is imported here.
 */
export function contestantNamed(name: string): ContestantSource {
  const peer = peers.find((one) => one.name === name);
  if (peer !== undefined) return peer;
  const module = /^\.{0,2}\//.test(name) ? pathToFileURL(path.resolve(name)).href : name;
  return { name, module };
}

/** Imports a contestant in the process that runs it. */
export async function loadContestant({ name, module }: ContestantSource): Promise<Contestant> {
  const { default: value } = (await import(module)) as { readonly default?: Contestant | BackendProvider };
  if (typeof value === 'object' && 'prepare' in value) return value;
  return backendContestant(value as BackendProvider, { name });
}
