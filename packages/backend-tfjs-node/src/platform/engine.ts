import path from 'node:path';
import { fileURLToPath } from 'node:url';
import util from 'node:util';
import { type Availability, HeedError } from '@heed/core';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';

export type Tf = typeof import('@tensorflow/tfjs-node');

/** Tensors under names: what a piece of work on TensorFlow returns. */
export type Tensors = Readonly<Record<string, TfTensor>>;

/** TensorFlow, loaded and running. */
export interface Engine {
  readonly tf: Tf;
  /** Description of what really runs: `tensorflow 2.15.1 (libtensorflow, cpu)`. */
  readonly device: string;
  /**
   * Runs synchronous work on TensorFlow. Frees every tensor made in it except those it returns, which nobody's
   * `tf.tidy` frees any more; all of them if it throws.
   */
  compute<T extends Tensors>(work: () => T): T;
}

/** Loads the engine's module; tests may replace it. */
export type ImportEngine = () => Promise<unknown>;

const importEngine: ImportEngine = async () => {
  restoreUtilities();
  // TensorFlow greets every process with what its CPU can do.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1';
  return import('@tensorflow/tfjs-node');
};

/** tfjs-node 4.22 calls two functions that Node 23 removed from `util`. */
function restoreUtilities(): void {
  const utilities = util as unknown as Record<string, unknown>;
  utilities['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  utilities['isArray'] ??= Array.isArray;
}

/** Reason that the engine cannot run here. */
export type Absence = Extract<Availability, { available: false }>;

/** Loads the engine, or returns the reason that it is not available. Never throws. */
export async function loadEngine(load: ImportEngine = importEngine): Promise<Engine | Absence> {
  try {
    const module = (await load()) as { default?: Tf } & Tf;
    return engineOf(module.default ?? module);
  } catch (error) {
    return absenceOf(error);
  }
}

/** The parts of tfjs-node's backend that say what runs. */
interface NativeBackend {
  readonly binding?: { readonly TF_Version?: string };
  readonly isUsingGpuDevice?: boolean;
}

function engineOf(tf: Tf): Engine | Absence {
  const native = tf.findBackend('tensorflow') as NativeBackend | null;
  const version = native?.binding?.TF_Version;
  if (version === undefined) {
    return {
      available: false,
      reason: "@tensorflow/tfjs-node was loaded, its backend 'tensorflow' is not registered",
      remedy: installCommands(),
    };
  }
  return {
    tf,
    device: `tensorflow ${version} (libtensorflow, ${native?.isUsingGpuDevice ? 'gpu' : 'cpu'})`,
    compute: (work) => onTensorflow(tf, () => tidied(tf, work)),
  };
}

/** Restores the current backend of tfjs afterwards: the program may have made another one current. */
function onTensorflow<T>(tf: Tf, work: () => T): T {
  const current = tf.getBackend();
  if (current === 'tensorflow') return work();
  // Switching between backends that have started is done when setBackend returns, before its promise settles.
  void tf.setBackend('tensorflow');
  try {
    return work();
  } finally {
    void tf.setBackend(current);
  }
}

function tidied<T extends Tensors>(tf: Tf, work: () => T): T {
  try {
    return tf.tidy(() => {
      const results = work();
      for (const result of Object.values(results)) tf.keep(result);
      return results;
    });
  } catch (error) {
    throw inHeedsWords(error);
  }
}

function inHeedsWords(error: unknown): unknown {
  if (HeedError.isInstance(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return /OOM|exhausted|allocat/i.test(message)
    ? new HeedError('OUT_OF_MEMORY', 'TensorFlow has no memory for the call', {
        cause: error,
        remedy: 'dispose resident tensors, or shorten the batch',
      })
    : new HeedError('ENGINE', `TensorFlow failed: ${message}`, { cause: error });
}

function absenceOf(error: unknown): Absence {
  const { code, message } = error as { code?: string; message?: string };
  const text = message ?? String(error);
  if (/MODULE_NOT_FOUND/.test(code ?? '') && text.includes('@tensorflow/tfjs-node')) {
    return {
      available: false,
      reason: '@tensorflow/tfjs-node is not installed',
      remedy: installCommands(),
    };
  }
  if (code === 'ERR_DLOPEN_FAILED' || /tfjs_binding|libtensorflow/.test(text)) {
    return {
      available: false,
      reason: 'the native library of @tensorflow/tfjs-node is missing or does not load',
      remedy: provisionCommand(),
    };
  }
  return {
    available: false,
    reason: `@tensorflow/tfjs-node does not load: ${text.split('\n')[0]}`,
    remedy: installCommands(),
  };
}

/**
 * Its own installer fails, and npm removes the package, if libtensorflow's host is out of reach. Without the installer
 * the package stays, and provisioning runs the installer first.
 */
function installCommands(): string {
  return `npm install --ignore-scripts @tensorflow/tfjs-node && ${provisionCommand()}`;
}

/** Path of the command: npx would ask the public registry for its name wherever it is not linked. */
function provisionCommand(): string {
  const script = fileURLToPath(new URL('../../scripts/provision.mjs', import.meta.url));
  return `node "${path.relative('', script)}"`;
}
