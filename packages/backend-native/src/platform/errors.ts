import { HeedError, type HeedErrorCode } from '@heed/core';

const REMEDIES: Readonly<Partial<Record<string, string>>> = {
  OUT_OF_MEMORY: 'make the batch smaller, or call with fewer heads at a time',
  SHAPE: 'leave buffers of inputs with this thread until the promise settles',
  ENGINE: 'raise the limit of threads of this process, or use fewer',
};

/** Returns the error of the native file as one of ours, with its remedy; others unchanged. */
export function inHeedsWords(error: unknown): unknown {
  // The reason of an abort may be anything.
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  const remedy = code === undefined || HeedError.isInstance(error) ? undefined : REMEDIES[code];
  if (remedy === undefined) return error;
  return new HeedError(code as HeedErrorCode, `native: ${message}`, { cause: error, remedy });
}
