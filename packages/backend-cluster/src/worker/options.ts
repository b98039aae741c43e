import { totalmem } from 'node:os';
import { type OptionKind, callback, checkOptions, integer, text } from '@heed/core/backend';
import { CONNECTION, type ConnectionOptions } from '../options.ts';

/** Something that a worker does or meets, in words. */
export type WorkerEvent = (message: string) => void;

/** Options of {@link startWorker}. */
export interface WorkerOptions extends ConnectionOptions {
  /** Address of the module whose default export is the provider of the backend: `import.meta.resolve('@heed/backend-wasm')`. */
  readonly backend: string;
  /** Options of the backend's `create`. Default: none. */
  readonly backendOptions?: object;
  /**
   * Time in milliseconds after which a task is given to another worker, if nothing is heard of this one. The first worker
   * of a namespace decides. Default 5000.
   */
  readonly acknowledgement?: number;
  /** How often a task is tried before it is given up. The first worker of a namespace decides. Default 5. */
  readonly deliveries?: number;
  /** Time in milliseconds after which this worker counts as gone, if nothing is heard of it. Default 3000. */
  readonly life?: number;
  /** Bytes of tensors that are kept for later tasks. Default: half of the machine's memory. */
  readonly cacheBytes?: number;
  /** Called with what happens, for a log. */
  readonly onEvent?: WorkerEvent;
}

const anything: OptionKind = {
  expected: 'an object of options',
  accepts: (value) => typeof value === 'object' && value !== null,
};

/**
 * Checks options, and fills in what is left out.
 *
 * @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`.
 */
export function workerOptions(
  options: WorkerOptions,
): Required<Omit<WorkerOptions, keyof ConnectionOptions>> {
  checkOptions('startWorker()', options, {
    ...CONNECTION,
    backend: { ...text, required: true },
    backendOptions: anything,
    acknowledgement: integer(100),
    deliveries: integer(1),
    life: integer(100),
    cacheBytes: integer(0),
    onEvent: callback,
  });
  return {
    backend: options.backend,
    backendOptions: options.backendOptions ?? {},
    acknowledgement: options.acknowledgement ?? 5000,
    deliveries: options.deliveries ?? 5,
    life: options.life ?? 3000,
    cacheBytes: options.cacheBytes ?? Math.floor(totalmem() / 2),
    onEvent: options.onEvent ?? (() => undefined),
  };
}
