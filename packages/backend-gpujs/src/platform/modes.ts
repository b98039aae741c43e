import { HeedError } from '@heed/core';
import type { GpuLibrary, KernelClass } from './gpu-library.ts';
import { withNavigatorGpu } from './node-webgpu.ts';
import { repeatedSum } from './copies.ts';
import type { Engine } from './engine.ts';
import { allowsFunctions, allowsWebAssembly } from './policy.ts';
import { hostEngine } from './host-engine.ts';
import { webglEngine } from './webgl-engine.ts';
import { webgpuEngine } from './webgpu-engine.ts';

/** The modes of gpu.js, best first. */
export const MODES = ['webgpu', 'webgl2', 'webgl', 'headlessgl', 'webasm', 'cpu'] as const;

/** Name of a mode: an engine that gpu.js compiles its programs for. */
export type Mode = (typeof MODES)[number];

/**
 * Opens a mode and checks that it computes.
 *
 * @param threads of mode `webasm`.
 * @throws HeedError `UNAVAILABLE`.
 */
export async function openMode(mode: Mode, library: GpuLibrary, threads: number): Promise<Engine> {
  const engine = await openers[mode](library, threads);
  try {
    await checkEngine(engine, mode);
    return engine;
  } catch (error) {
    await engine.dispose();
    if (HeedError.isInstance(error) && error.code === 'UNAVAILABLE') throw error;
    throw new HeedError('UNAVAILABLE', `${mode} does not compute here: ${(error as Error).message}`, {
      remedy:
        threads > 1
          ? 'leave out threads, or allow workers made of source (worker-src blob: in a content security policy)'
          : 'use another mode, or another driver',
      cause: error,
    });
  }
}

const openers: Record<Mode, (library: GpuLibrary, threads: number) => Engine | Promise<Engine>> = {
  webgpu: (library) => withNavigatorGpu(() => openWebgpu(library)),
  webgl2: (library) => openWebgl(library, 'webgl2', library.WebGL2Kernel),
  webgl: (library) => openWebgl(library, 'webgl', library.WebGLKernel),
  headlessgl: (library) => openWebgl(library, 'headlessgl', library.HeadlessGLKernel),
  webasm: openWebAssembly,
  cpu: openJavaScript,
};

function openJavaScript(library: GpuLibrary): Engine {
  if (!allowsFunctions()) {
    throw new HeedError('UNAVAILABLE', 'a content security policy forbids the functions of mode cpu', {
      remedy: "add 'unsafe-eval' to script-src of the policy, or use the mode webasm or @heed/backend-ts",
    });
  }
  return hostEngine({
    library,
    gpu: new library.GPU({ mode: 'cpu' }),
    mode: 'cpu',
    kernelClass: library.CPUKernel,
    device: 'gpu.js cpu, JavaScript, 1 thread',
  });
}

async function openWebgpu(library: GpuLibrary): Promise<Engine> {
  // gpu.js would report the same in the middle of the first program.
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) {
    throw new HeedError('UNAVAILABLE', 'cannot find a WebGPU adapter', {
      remedy:
        'install a Vulkan driver (or SwiftShader, with VK_ICD_FILENAMES set to it); in Chromium, turn on hardware acceleration or start it with --enable-unsafe-webgpu',
    });
  }
  const gpu = new library.GPU({ mode: 'webgpu' });
  return webgpuEngine(library, gpu, await library.WebGPUContext.acquire());
}

function openWebgl(
  library: GpuLibrary,
  mode: 'webgl2' | 'webgl' | 'headlessgl',
  kernelClass: KernelClass,
): Engine {
  if (!kernelClass.isSupported) {
    throw new HeedError('UNAVAILABLE', `${mode} is not available here`, {
      remedy: mode === 'headlessgl' ? 'npm install gl' : 'use a browser with WebGL',
    });
  }
  return webglEngine({ library, gpu: new library.GPU({ mode }), mode, kernelClass });
}

function openWebAssembly(library: GpuLibrary, threads: number): Engine {
  const { WebAssemblyKernel } = library;
  if (!WebAssemblyKernel.isSupported) {
    throw new HeedError('UNAVAILABLE', 'WebAssembly is not available here', { remedy: "use the mode 'cpu'" });
  }
  if (!allowsWebAssembly()) {
    throw new HeedError('UNAVAILABLE', 'a content security policy forbids the WebAssembly of mode webasm', {
      remedy:
        "add 'wasm-unsafe-eval' to script-src of the policy, or use a mode with a GPU or @heed/backend-ts",
    });
  }
  if (threads > 1 && !WebAssemblyKernel.isThreadsSupported) {
    throw new HeedError('UNAVAILABLE', 'WebAssembly has no threads here', {
      remedy: 'leave out threads; in a browser, serve the page with COOP and COEP headers',
    });
  }
  const simd = WebAssemblyKernel.isSIMDSupported ? ' simd128' : '';
  return hostEngine({
    library,
    gpu: new library.GPU({ mode: 'webasm' }),
    mode: 'webasm',
    kernelClass: WebAssemblyKernel,
    device: `gpu.js webasm${simd}, ${threads === 1 ? '1 thread' : `up to ${threads} threads`}`,
    settings: { asyncMode: threads > 1, poolSize: threads },
  });
}

/** Number of outputs from which gpu.js's WebAssembly uses its workers. */
const CHECKED = 4096;
/** More than the 1000 iterations after which gpu.js ends a loop by default. */
const TURNS = 1500;

/** Checks the results of a mode with a small program: a mode that exists may still compute nonsense. */
async function checkEngine(engine: Engine, mode: Mode): Promise<void> {
  const numbers = Float32Array.from({ length: CHECKED }, (_, n) => n / 4);
  const data = await engine.upload(numbers);
  const sums = await engine.launch(repeatedSum, [CHECKED], { data, turns: TURNS });
  const computed = await engine.download(sums, CHECKED);
  engine.free(data);
  engine.free(sums);
  const wrong = computed.findIndex((sum, n) => sum !== TURNS * numbers[n]!);
  if (wrong === -1) return;
  throw new HeedError(
    'UNAVAILABLE',
    `gpu.js ${mode} computes wrongly: ${TURNS} × ${numbers[wrong]} gave ${computed[wrong]}`,
    { remedy: 'use another mode, or another driver' },
  );
}
