import { findAdapter } from '../platform/engine.ts';
import { useSoftwareVulkan } from '@heed/testing';

/** A device of its own, as a user of another library has one. */
export async function ownDevice(): Promise<GPUDevice> {
  useSoftwareVulkan();
  const adapter = await findAdapter();
  return adapter.requestDevice();
}
