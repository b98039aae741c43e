import { HeedError } from '@heed/core';
import type * as NodeWebgpu from 'webgpu';

/**
 * Our shaders read no workgroup memory that they have not written. Clearing it takes time at each workgroup, and
 * SwiftShader, which writes a store for each number, takes seconds to compile that.
 */
const FLAGS = 'enable-dawn-features=disable_workgroup_init';

/** Dawn crashes the process when its `GPU` object is collected before its devices: this reference keeps it. */
let dawn: GPU | undefined;

/**
 * WebGPU's entry: `navigator.gpu` of a page or worker; in Node Dawn's, from the package `webgpu`.
 *
 * @throws HeedError `UNAVAILABLE` without WebGPU.
 */
export async function findGpu(): Promise<GPU> {
  const gpu = globalThis.navigator?.gpu;
  if (gpu !== undefined) return gpu;
  if (globalThis.process?.versions?.node === undefined) {
    throw new HeedError('UNAVAILABLE', 'webgpu: navigator.gpu is missing', {
      remedy: 'use a browser with WebGPU, over https or on localhost',
    });
  }
  dawn ??= await loadDawn();
  return dawn;
}

async function loadDawn(): Promise<GPU> {
  if (typeof globalThis.setImmediate !== 'function') {
    // Dawn's add-on calls it without asking, and that ends the process.
    const remedy = 'define globalThis.setImmediate, or use another backend';
    throw new HeedError('UNAVAILABLE', 'webgpu: Dawn requires setImmediate(), which is missing here', {
      remedy,
    });
  }
  const { create } = await importDawn();
  if (!hasVulkanLoader()) {
    const remedy = 'install a Vulkan driver and its loader (Debian: libvulkan1)';
    throw new HeedError('UNAVAILABLE', 'webgpu: cannot find a Vulkan loader (libvulkan.so.1)', {
      remedy,
    });
  }
  return create([FLAGS]);
}

async function importDawn(): Promise<typeof NodeWebgpu> {
  // Not a literal: bundlers for the browser would take the package along.
  const name = 'webgpu';
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as typeof NodeWebgpu;
  } catch (cause) {
    throw new HeedError('UNAVAILABLE', `webgpu: ${whyNot(cause as NodeJS.ErrnoException)}`, {
      remedy: 'npm install webgpu@0.6',
      cause,
    });
  }
}

function whyNot({ code, message }: NodeJS.ErrnoException): string {
  const isAbsent = code === 'ERR_MODULE_NOT_FOUND' && message.includes("'webgpu'");
  return isAbsent ? 'the package webgpu is not installed' : `the package webgpu does not load: ${message}`;
}

/** Checks before Dawn does, which otherwise complains on standard error, where nobody can catch it. */
function hasVulkanLoader(): boolean {
  const { process } = globalThis;
  if (process.platform !== 'linux') return true;
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1');
    return true;
  } catch (error) {
    // The loader is a library that loads and is not an add-on of Node.
    return !(error as Error).message.includes('cannot open shared object file');
  }
}
