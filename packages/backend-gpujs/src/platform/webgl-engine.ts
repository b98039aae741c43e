import { nextTurn } from '@heed/core/backend';
import type { Gpu, GpuLibrary, GpuResult, KernelClass, NestedNumbers } from './gpu-library.ts';
import { copy, splice } from './copies.ts';
import { type Program, type ValuesOf, exchanged } from './program.ts';
import type { Engine } from './engine.ts';
import { flatten } from './host-engine.ts';
import { launcher } from './launcher.ts';

type Texture = GpuResult & { readonly output: readonly number[] };

export interface WebglEngineOptions {
  readonly library: GpuLibrary;
  readonly gpu: Gpu;
  readonly mode: 'webgl2' | 'webgl' | 'headlessgl';
  readonly kernelClass: KernelClass;
}

/** Names of renderers that are not GPUs. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** WebGL: arrays are float32 textures. Only programs write to textures, so uploads and parts go through programs too. */
export function webglEngine(options: WebglEngineOptions): Engine<Texture> {
  const { library, gpu, mode, kernelClass } = options;
  // Otherwise the precision follows the size of the output, down to mediump, and the program changes with it.
  const settings = { tactic: 'precision' };
  const launchTextures = launcher<Texture>({
    ...options,
    settings,
    arrayType: 'ArrayTexture(1)',
    argument: (array) => array,
  });
  const maxTextureSize = kernelClass.features?.maxTextureSize ?? 0;
  const turnedPrograms = new Map<Program, Program>();
  const launch = async <P extends Program>(
    program: P,
    output: readonly number[],
    values: ValuesOf<P, Texture>,
  ): Promise<Texture> => {
    const [x, y, z] = threeAxes(output) as [number, number, number];
    if (y === 1 || z > 1 || Math.max(x, y) <= maxTextureSize) {
      return (await launchTextures(program, [x, y, z], values)) as Texture;
    }
    // For a result with two axes gpu.js makes a texture x wide and y high, even beyond GPU limits; all later results
    // are then 0. Any other result becomes a texture that is as square as possible.
    const turned = turnedPrograms.get(program) ?? exchanged(program);
    turnedPrograms.set(program, turned);
    return (await launchTextures(turned as P, [x, 1, y], values)) as Texture;
  };
  const launchCopy = launcher<Float32Array>({
    ...options,
    settings,
    arrayType: 'Input',
    argument: (array) => library.input(array, [array.length]),
  });
  const upload = async (data: Float32Array): Promise<Texture> =>
    (await launchCopy(copy, threeAxes([data.length]), { data })) as Texture;

  return {
    get device() {
      return `gpu.js ${mode}, ${rendererOf(gpu)}`;
    },
    get software() {
      return SOFTWARE.test(rendererOf(gpu));
    },
    // The integers of WebGL 1 may be floats.
    maximumElements: Math.min(maxTextureSize ** 2, mode === 'webgl2' ? Infinity : 2 ** 24),
    longestLaunch: Infinity,
    maximumLayers: Infinity,
    upload,
    async download(array, length) {
      const flat = flatten(library, (await array.toArray()) as NestedNumbers, array.output);
      return flat.length === length ? flat : flat.slice(0, length);
    },
    async overwrite(array, part, at) {
      const source = await upload(part);
      const result = await launch(splice, [at.inner, at.length, at.outer], {
        ...at,
        data: array,
        part: source,
      });
      source.delete();
      array.delete();
      return result;
    },
    free: (array) => array.delete(),
    launch,
    settle: nextTurn,
    dispose: () => gpu.destroy(),
  };
}

/** gpu.js has a class of textures for each number of axes, and assumes that an argument is always of the same class. */
function threeAxes(output: readonly number[]): number[] {
  return [...output, 1, 1].slice(0, 3);
}

/** The context exists from the first program on. */
function rendererOf(gpu: Gpu): string {
  const gl = gpu.context as WebGLRenderingContext;
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  return String(gl.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
}
