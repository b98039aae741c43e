import { HeedError } from '@heed/core';
import { nextTurn } from '@heed/core/backend';
import type { Engine } from './engine.ts';

const SCOPES = ['validation', 'out-of-memory', 'internal'] as const;

/**
 * Does some work on the device, all of it before it returns, and turns the device's complaints into errors.
 *
 * @throws HeedError `OUT_OF_MEMORY`; `ENGINE`, also when the device was lost.
 */
export async function scoped<T>(engine: Engine, work: () => T): Promise<T> {
  engine.check();
  const { device } = engine;
  for (const scope of SCOPES) device.pushErrorScope(scope);
  let popped: Promise<(GPUError | null)[]>;
  let result: T;
  try {
    result = work();
  } finally {
    popped = Promise.all(SCOPES.map(() => device.popErrorScope()));
    popped.catch(() => undefined);
  }
  const found = (await orLost(engine, popped)).find((error) => error !== null);
  if (found) throw asHeedError(found);
  return result;
}

/** Waits for the device. @throws HeedError `ENGINE` when it was lost. */
export async function orLost<T>(engine: Engine, promise: Promise<T>): Promise<T> {
  try {
    const result = await promise;
    engine.check();
    return result;
  } catch (error) {
    // The device reports its loss in the turn after this one.
    await nextTurn();
    engine.check();
    throw error;
  }
}

function asHeedError(cause: GPUError): HeedError {
  if (cause.constructor.name !== 'GPUOutOfMemoryError') {
    return new HeedError('ENGINE', `webgpu: the device refuses: ${cause.message}`, { cause });
  }
  const remedy = "leave 'weights' out of outputs, or dispose resident tensors";
  return outOfMemory('not enough memory on the GPU', remedy, cause);
}

export function outOfMemory(what: string, remedy: string, cause?: unknown): HeedError {
  return new HeedError('OUT_OF_MEMORY', `webgpu: ${what}`, { remedy, cause });
}
