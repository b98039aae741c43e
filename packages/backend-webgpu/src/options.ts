import { HeedError } from '@heed/core';
import { type OptionKind, checkOptions, oneOf } from '@heed/core/backend';

/** Options of `create`. */
export interface WebgpuOptions {
  /**
   * A device of your own, which the backend never destroys: its buffers can be wrapped without a copy. Default: the
   * backend requests one, with all that its adapter allows.
   */
  readonly device?: GPUDevice | undefined;
  /** Preferred adapter if there are several; not with `device`. Default: the browser's choice. */
  readonly powerPreference?: 'low-power' | 'high-performance' | undefined;
  /**
   * Use of the feature `subgroups` in kernels, if device and adapter have it. Results then differ in their last bits
   * from those without it. Default `'auto'`.
   */
  readonly subgroups?: 'auto' | false | undefined;
}

const gpuDevice: OptionKind = {
  expected: 'a GPUDevice, as `await adapter.requestDevice()` gives',
  accepts: (value) => typeof (value as Partial<GPUDevice> | null)?.createComputePipelineAsync === 'function',
};

/** @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`. */
export function checkWebgpuOptions(options: WebgpuOptions): void {
  checkOptions('webgpu.create()', options, {
    device: gpuDevice,
    powerPreference: oneOf('low-power', 'high-performance'),
    subgroups: oneOf('auto', false),
  });
  if (options.device === undefined || options.powerPreference === undefined) return;
  const remedy = 'leave powerPreference out: a device has its adapter already';
  throw new HeedError('ARGUMENT', 'webgpu.create(): device and powerPreference are both given', {
    remedy,
  });
}
