import { totalmem } from 'node:os';
import { type OptionKind, callback, checkOptions, integer, text } from '@heed/core/backend';
import { CONNECTION, type ConnectionOptions } from '../options.ts';

/** Receives a message about something that a worker does or meets. */
export type WorkerEvent = (message: string) => void;

/** Options of {@link startWorker}. */
export interface WorkerOptions extends ConnectionOptions {
  /** Address of the module whose default export is the provider of the backend: `import.meta.resolve('@heed/backend-wasm')`. */
  readonly backend: string;
  /** Options of the backend's `create`. Default: none. */
  readonly backendOptions?: object | undefined;
  /**
   * Silence of this worker, in milliseconds, after which another worker gets its task. The first worker of a namespace
   * decides. Default 5000.
   */
  readonly acknowledgement?: number | undefined;
  /** Number of attempts at a task before it is given up. The first worker of a namespace decides. Default 5. */
  readonly deliveries?: number | undefined;
  /** Silence in milliseconds after which this worker counts as gone. Default 3000. */
  readonly life?: number | undefined;
  /** Bytes of tensors that are kept for later tasks. Default: half of the machine's memory. */
  readonly cacheBytes?: number | undefined;
  /** Called for each event, for a log. */
  readonly onEvent?: WorkerEvent | undefined;
}

/** Options without those of the connection, none left out. */
export type WorkerSettings = {
  readonly [K in Exclude<keyof WorkerOptions, keyof ConnectionOptions>]-?: NonNullable<WorkerOptions[K]>;
};

const anything: OptionKind = {
  expected: 'an object of options',
  accepts: (value) => typeof value === 'object' && value !== null,
};

/**
 * Checks options, and fills in what is left out.
 *
 * @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`.
 */
export function workerOptions(options: WorkerOptions): WorkerSettings {
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
