import type { AttentionBackend, BackendProvider } from '@heed/core';
import { OFFERS, type OfferId } from './offers.ts';

/** A backend that the page offers: a package, in one of its modes. */
export interface Contestant {
  /** Label such as `gpu.js, WebGPU`. */
  readonly label: string;
  create(): Promise<AttentionBackend>;
}

type Mode = 'webgpu' | 'webgl2' | 'webasm';

const gpujs = (mode: Mode) => async (): Promise<AttentionBackend> =>
  (await import('@heed/backend-gpujs')).default.create({ mode });

const wasm = (threads: number) => async (): Promise<AttentionBackend> =>
  (await import('@heed/backend-wasm')).default.create({ threads });

/** Functions that create backends; each loads its package at the first call. */
const CREATE: Record<OfferId, Contestant['create']> = {
  ts: async () => (await import('@heed/backend-ts')).default.create(),
  webgpu: async () => (await import('@heed/backend-webgpu')).default.create(),
  wasm: wasm(1),
  'wasm-threads': wasm(Math.max(2, navigator.hardwareConcurrency)),
  'gpujs-webgpu': gpujs('webgpu'),
  'gpujs-webgl2': gpujs('webgl2'),
  'gpujs-webasm': gpujs('webasm'),
};

/** Contestants by id. */
export const contestants: Map<string, Contestant> = new Map(
  OFFERS.map(({ id, label }) => [id, { label, create: CREATE[id] }]),
);

/** Adds a third party's, from the address of a module whose default export is a provider. */
export function addContestant(provider: BackendProvider, url: string): string {
  const id = `url:${url}`;
  contestants.set(id, { label: provider.name, create: () => provider.create() });
  return id;
}
