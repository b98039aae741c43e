import { HeedError } from '@heed/core';
import type { Shader } from '../shader/module.ts';
import { COMPUTE } from './constants.ts';

/** A compiled shader. */
export interface Pipeline {
  readonly shader: Shader;
  readonly compute: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Number of pipelines that are kept although no kernel holds them any more. */
const KEPT = 64;

/**
 * Compiled shaders, by their code: problems that differ in lengths, strides and numbers share them. The browser compiles
 * beside the page.
 */
export class Pipelines {
  readonly #device: GPUDevice;
  readonly #byCode = new Map<string, Promise<Pipeline>>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  get size(): number {
    return this.#byCode.size;
  }

  /** @throws HeedError `ENGINE` when it does not compile. */
  get(shader: Shader): Promise<Pipeline> {
    const known = this.#byCode.get(shader.code);
    // The last ones asked for stay.
    if (known !== undefined) this.#byCode.delete(shader.code);
    const pipeline = known ?? this.#compile(shader);
    this.#byCode.set(shader.code, pipeline);
    pipeline.catch(() => this.#byCode.delete(shader.code));
    if (this.#byCode.size > KEPT) this.#byCode.delete(this.#byCode.keys().next().value!);
    return pipeline;
  }

  async #compile(shader: Shader): Promise<Pipeline> {
    const { code, label, bindings } = shader;
    const device = this.#device;
    const layout = device.createBindGroupLayout({
      label,
      entries: [
        { binding: 0, visibility: COMPUTE, buffer: { type: 'uniform', hasDynamicOffset: true } },
        ...bindings.map(({ access }, index) => ({
          binding: index + 1,
          visibility: COMPUTE,
          buffer: { type: access === 'read' ? ('read-only-storage' as const) : ('storage' as const) },
        })),
      ],
    });
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label, code });
    const invalid = await device.popErrorScope();
    try {
      if (invalid) throw invalid;
      const compute = await device.createComputePipelineAsync({
        label,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main' },
      });
      return { shader, compute, layout };
    } catch (cause) {
      throw new HeedError(
        'ENGINE',
        `webgpu: the kernel "${label}" does not compile: ${(cause as GPUError).message}`,
        {
          remedy: 'report it with the adapter that backend.device names',
          cause,
        },
      );
    }
  }

  dispose(): void {
    this.#byCode.clear();
  }
}
