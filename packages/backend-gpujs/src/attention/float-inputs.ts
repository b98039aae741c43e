import type { AttentionInputs, Tensor } from '@heed/core';
import type { Engine } from '../engine/engine.ts';
import { type DeviceArray, type DeviceTensor, isOnDevice, uploadArray } from '../tensors/device-tensor.ts';
import type { Workspace } from './workspace.ts';

const NAMES = ['query', 'key', 'value', 'mask', 'bias', 'alibiSlopes', 'sinks'] as const;

/** The inputs that kernels read, on the device. */
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
    if (input !== undefined)
      floats[name] = isOnDevice(input) ? input : await uploadRows(engine, input as Tensor, workspace);
  }
  return floats as FloatInputs;
}

/** Results of one number a row live on the host; here one is the input of another run. */
async function uploadRows(engine: Engine, tensor: Tensor, workspace: Workspace): Promise<DeviceArray> {
  const uploaded = await uploadArray(engine, tensor);
  workspace.keep(uploaded.array);
  return uploaded;
}
