import { HeedError } from '@heed/core';
import type { WebgpuOptions } from '../options.ts';
import { findGpu } from './find-gpu.ts';
import { Pipelines } from './pipelines.ts';
import { subgroupOf } from './subgroups.ts';

/** A device, and its properties for this backend. */
export class Engine {
  readonly device: GPUDevice;
  readonly pipelines: Pipelines;
  /** Bytes of workgroup memory, and of the largest buffer that a shader can see. */
  readonly workgroupMemory: number;
  readonly largestBinding: number;
  /** The smallest power of two that every subgroup has, 1 if they are not used. */
  readonly subgroup: number;
  /** Multiplications per second, as observed so far: for cutting long runs, never for results. */
  rate = 1e9;
  readonly #ownsDevice: boolean;
  #lost: string | null = null;
  #disposed = false;

  constructor(device: GPUDevice, { subgroup, ownsDevice }: { subgroup: number; ownsDevice: boolean }) {
    this.device = device;
    this.subgroup = subgroup;
    this.#ownsDevice = ownsDevice;
    this.pipelines = new Pipelines(device);
    const { maxComputeWorkgroupStorageSize, maxStorageBufferBindingSize, maxBufferSize } = device.limits;
    this.workgroupMemory = maxComputeWorkgroupStorageSize;
    this.largestBinding = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    void this.#watch();
  }

  async #watch(): Promise<void> {
    const { reason, message } = await this.device.lost;
    if (!this.#disposed) this.#lost = message || reason;
  }

  /** Description of what really runs. */
  get name(): string {
    const { vendor, architecture, device, description, isFallbackAdapter } = this.device.adapterInfo;
    const adapter =
      [vendor, architecture].filter(Boolean).join(' ') || description || device || 'unnamed adapter';
    const isSoftware = /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${adapter} ${description}`);
    const software = isFallbackAdapter || isSoftware;
    const subgroups = this.subgroup > 1 ? `, subgroups of ${this.subgroup}+` : '';
    return `WebGPU, ${adapter}${software ? ' (software)' : ''}${subgroups}`;
  }

  /** @throws HeedError `ENGINE` when the device was lost. */
  check(): void {
    if (this.#lost !== null) throw this.lostError();
  }

  get isLost(): boolean {
    return this.#lost !== null;
  }

  lostError(): HeedError {
    const remedy = this.#ownsDevice ? 'create() makes a backend on a new device' : NEW_DEVICE;
    return new HeedError('ENGINE', `webgpu: the GPU device was lost (${this.#lost})`, { remedy });
  }

  dispose(): void {
    this.#disposed = true;
    this.pipelines.dispose();
    if (this.#ownsDevice) this.device.destroy();
  }
}

/** Remedy where the caller's own device was lost. */
const NEW_DEVICE = 'call requestDevice() of an adapter, and give create() the new device';

/** Limits to request as the adapter has them: by default, a device has those of the weakest. */
const LIMITS = ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxComputeWorkgroupStorageSize'] as const;

/** @throws HeedError `UNAVAILABLE`. */
export async function openEngine(options: WebgpuOptions): Promise<Engine> {
  const { subgroups = 'auto' } = options;
  const device = options.device ?? (await requestDevice(options));
  await checkAlive(device);
  const subgroup = subgroups === false ? 1 : await subgroupOf(device);
  return new Engine(device, { subgroup, ownsDevice: options.device === undefined });
}

/** @throws HeedError `UNAVAILABLE` for a device that was lost before. */
async function checkAlive(device: GPUDevice): Promise<void> {
  const lost = await Promise.race([device.lost, null]);
  if (lost === null) return;
  const message = `webgpu: the device was lost (${lost.message || lost.reason})`;
  throw new HeedError('UNAVAILABLE', message, { remedy: NEW_DEVICE });
}

async function requestDevice({ powerPreference, subgroups }: WebgpuOptions): Promise<GPUDevice> {
  const adapter = await findAdapter(powerPreference);
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures: GPUFeatureName[] =
    subgroups !== false && adapter.features.has('subgroups') ? ['subgroups'] : [];
  try {
    return await adapter.requestDevice({ requiredLimits, requiredFeatures });
  } catch (cause) {
    const remedy = 'close other pages that use the GPU, or reload this one';
    const message = `webgpu: the adapter gives no device: ${(cause as Error).message}`;
    throw new HeedError('UNAVAILABLE', message, { remedy, cause });
  }
}

/** @throws HeedError `UNAVAILABLE`. */
export async function findAdapter(powerPreference?: GPUPowerPreference): Promise<GPUAdapter> {
  const gpu = await findGpu();
  const adapter = await gpu.requestAdapter(powerPreference && { powerPreference });
  if (adapter !== null) return adapter;
  const remedy = 'check that a GPU driver is installed and that hardware acceleration is on';
  throw new HeedError('UNAVAILABLE', 'webgpu: cannot find a GPU adapter', { remedy });
}
