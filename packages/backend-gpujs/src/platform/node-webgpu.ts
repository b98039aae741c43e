import { HeedError } from '@heed/core';
import type * as NodeWebgpu from 'webgpu';

/** Keeps Dawn's `GPU` object alive: Dawn crashes the process if it is collected before its devices. */
let dawn: GPU | undefined;

let users = 0;
let takeAway: () => void = () => undefined;

/**
 * Runs work with `navigator.gpu`, where gpu.js looks for WebGPU. In Node, the package `webgpu` provides it for the
 * duration of the work: other libraries take a `navigator` for a sign of a browser.
 *
 * @throws HeedError `UNAVAILABLE` without WebGPU.
 */
export async function withNavigatorGpu<T>(work: () => Promise<T>): Promise<T> {
  if (users === 0 && globalThis.navigator?.gpu !== undefined) return work();
  dawn ??= await loadDawn();
  if (users++ === 0) takeAway = putNavigatorGpu(dawn);
  try {
    return await work();
  } finally {
    if (--users === 0) takeAway();
  }
}

async function loadDawn(): Promise<GPU> {
  if (globalThis.process?.versions?.node === undefined) {
    throw new HeedError('UNAVAILABLE', 'navigator.gpu is missing', {
      remedy: 'use a browser with WebGPU, over https or on localhost',
    });
  }
  if (typeof globalThis.setImmediate !== 'function') {
    // Dawn's add-on calls it without a check, which ends the process.
    throw new HeedError('UNAVAILABLE', 'the package webgpu requires setImmediate(), which is missing here', {
      remedy: 'define globalThis.setImmediate, or use another mode',
    });
  }
  const { create } = await importDawn();
  if (!hasVulkanLoader()) {
    throw new HeedError('UNAVAILABLE', 'cannot find a Vulkan loader (libvulkan.so.1)', {
      remedy: 'install a Vulkan driver and loader (Debian: libvulkan1), or use another mode',
    });
  }
  return create([]);
}

async function importDawn(): Promise<typeof NodeWebgpu> {
  // Not a literal: bundlers for the browser would include the package.
  const name = 'webgpu';
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as typeof NodeWebgpu;
  } catch (cause) {
    throw new HeedError('UNAVAILABLE', `the package webgpu does not load: ${(cause as Error).message}`, {
      remedy: 'npm install webgpu@0.6',
      cause,
    });
  }
}

/** Checked before Dawn runs, which otherwise reports the error on standard error, where nobody can catch it. */
function hasVulkanLoader(): boolean {
  const { process } = globalThis;
  if (process.platform !== 'linux') return true;
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1');
    return true;
  } catch (error) {
    // The expected result is a library that loads but is not an add-on of Node.
    return !(error as Error).message.includes('cannot open shared object file');
  }
}

/** Defines `navigator.gpu`, and the navigator where Node has none; returns what undoes it. */
function putNavigatorGpu(gpu: GPU): () => void {
  const [target, property, value]: [object, string, unknown] =
    globalThis.navigator === undefined
      ? [globalThis, 'navigator', { gpu }]
      : [globalThis.navigator, 'gpu', gpu];
  Object.defineProperty(target, property, { value, configurable: true });
  return () => Reflect.deleteProperty(target, property);
}
