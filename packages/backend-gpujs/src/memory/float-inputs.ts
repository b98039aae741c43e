import type { AttentionInputs, Tensor } from '@heed/core';
import type { Engine } from '../platform/engine.ts';
import { type DeviceArray, type DeviceTensor, isOnDevice, uploadArray } from './device-tensor.ts';
import type { Workspace } from './workspace.ts';

const NAMES = ['query', 'key', 'value', 'mask', 'bias', 'alibiSlopes', 'sinks'] as const;

/** The inputs that programs read, on the device. */
export type FloatInputs = Readonly<
  Record<'query' | 'key' | 'value', DeviceArray> &
    Partial<Record<'mask' | 'bias' | 'alibiSlopes' | 'sinks', DeviceArray>>
>;

export async function floatInputs(
  engine: Engine,
  inputs: AttentionInputs<DeviceTensor>,
  workspace: Workspace,
): Promise<FloatInputs> {
  const floats: Partial<Record<(typeof NAMES)[number], DeviceArray>> = {};
  for (const name of NAMES) {
    const input = inputs[name];
    if (input !== undefined) floats[name] = await onDevice(engine, input, workspace);
  }
  return floats as FloatInputs;
}

/** A float tensor on the device. Results of one number a row are on the host: as inputs they are uploaded. */
export async function onDevice(
  engine: Engine,
  tensor: DeviceTensor,
  workspace: Workspace,
): Promise<DeviceArray> {
  if (isOnDevice(tensor)) return tensor;
  const uploaded = await uploadArray(engine, tensor as Tensor);
  workspace.keep(uploaded.array);
  return uploaded;
}
