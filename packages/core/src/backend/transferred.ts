import { HeedError } from '../error.ts';
import { sizeOf } from '../tensor.ts';

/** A plain tensor or a stored weight. */
interface Numbers {
  readonly shape: readonly number[];
  readonly data: { readonly length: number };
}

/** Returns whether the caller has transferred the memory of what was checked at the call: no numbers are left then. */
export function isTransferred({ shape, data }: Numbers): boolean {
  return data.length === 0 && sizeOf(shape) > 0;
}

/** Makes the error for a transferred tensor. */
export function transferred(name: string, cause?: unknown): HeedError {
  return new HeedError(
    'SHAPE',
    `the memory of ${name} was transferred during the call; expected it to stay until the end`,
    {
      clause: 'inputs',
      remedy: 'await the call before the transfer, or transfer a copy',
      cause,
    },
  );
}

/**
 * Starts work that reads a tensor of the caller some time after the call that checked it.
 *
 * @throws HeedError `SHAPE` if the tensor has been transferred, now or when the work fails.
 */
export async function reading<T>(name: string, given: Numbers, work: () => T | Promise<T>): Promise<T> {
  if (isTransferred(given)) throw transferred(name);
  try {
    return await work();
  } catch (error) {
    throw isTransferred(given) ? transferred(name, error) : error;
  }
}
