import {
  type AttentionBackend,
  type Availability,
  type BackendProvider,
  type Capabilities,
  HeedError,
  type Plan,
  resolveRequest,
} from '@heed/core';
import { zeros } from '@heed/core/backend';
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
      remedy: 'report it to the authors of the backend',
    });
  }
  const { device, capabilities } = (backend ?? {}) as Partial<AttentionBackend>;
  if (typeof device !== 'string' || !isCapabilities(capabilities)) {
    throw new HeedError('ENGINE', 'the backend does not state its device and capabilities', {
      remedy: 'report it to the authors of the backend',
    });
  }
  const lastRun = await measuredRun(backend, announce);
  announce({ text: 'dispose' });
  await backend.dispose();
  return { name, status: 'available', device, capabilities, ...(lastRun && { lastRun }) };
}

/** One row over two keys. */
const SMALL = {
  query: zeros('float32', [1, 1, 1, 4]),
  key: zeros('float32', [1, 1, 2, 4]),
  value: zeros('float32', [1, 1, 2, 4]),
};

/** Returns the figures of a small run with a backend that measures its runs; null with others. */
async function measuredRun(backend: AttentionBackend, announce: Announce): Promise<Plan['lastRun']> {
  const { problem, inputs } = resolveRequest(SMALL);
  announce({ text: 'compile' });
  const kernel = await backend.compile(problem);
  if (kernel.plan.lastRun === undefined) {
    await kernel.dispose();
    return null;
  }
  announce({ text: 'run' });
  await kernel.run(inputs);
  const { lastRun } = kernel.plan;
  await kernel.dispose();
  return lastRun;
}

function isCapabilities(value: Partial<Capabilities> | undefined): value is Capabilities {
  return [value?.dtypes, value?.features, value?.guarantees].every((list) => Array.isArray(list));
}
