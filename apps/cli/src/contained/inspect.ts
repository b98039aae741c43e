import {
  type AttentionBackend,
  type Availability,
  type BackendProvider,
  type Capabilities,
  HeedError,
} from '@heed/core';
import { firstLine } from '../backends/provider.ts';
import type { Announce, Inspection } from './tasks.ts';

/** Asks a provider whether it is available, and inspects a backend of it. */
export async function inspect(provider: BackendProvider, announce: Announce): Promise<Inspection> {
  announce({ text: 'probe' });
  const availability = (await provider.probe()) as Availability | undefined;
  if (typeof availability?.available !== 'boolean') {
    throw new HeedError('ENGINE', 'probe() does not say whether it is available', {
      remedy: 'resolve to { available: true }, or to { available: false, reason, remedy }',
    });
  }
  const { name } = provider;
  const nothing = { name, status: 'unavailable' as const, device: null, capabilities: null };
  if (!availability.available) {
    return { ...nothing, reason: String(availability.reason), remedy: String(availability.remedy) };
  }
  announce({ text: 'create' });
  let backend: AttentionBackend;
  try {
    backend = await provider.create();
  } catch (error) {
    throw new HeedError('ENGINE', `probe() reports available, but create() fails: ${firstLine(error)}`, {
      cause: error,
    });
  }
  const { device, capabilities } = (backend ?? {}) as Partial<AttentionBackend>;
  if (typeof device !== 'string' || !isCapabilities(capabilities)) {
    throw new HeedError('ENGINE', 'the backend does not state its device and capabilities');
  }
  announce({ text: 'dispose' });
  await backend.dispose();
  return { name, status: 'available', device, capabilities };
}

function isCapabilities(value: Partial<Capabilities> | undefined): value is Capabilities {
  return [value?.dtypes, value?.features, value?.guarantees].every((list) => Array.isArray(list));
}
