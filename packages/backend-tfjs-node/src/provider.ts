import {
  type AttentionBackend,
  type BackendProvider,
  CONTRACT_VERSION,
  FEATURES,
  HeedError,
  type ResidentTensor,
} from '@heed/core';
import { checkOptions, defineBackend } from '@heed/core/backend';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import { type Absence, type Engine, type ImportEngine, loadEngine } from './engine.ts';
import { tensorflowKernel } from './kernel.ts';
import { tensorflowMemory } from './memory.ts';
import type { TileLimits } from './tiles.ts';

/** A backend whose resident tensors are tensors of TensorFlow.js. */
export interface TfjsNodeBackend extends AttentionBackend {
  /**
   * Takes a tensor of TensorFlow.js without a copy. The resident tensor takes charge of it: its dispose() frees it.
   * To keep the tensor, wrap `tensor.clone()`, which shares its memory.
   *
   * @throws HeedError `ARGUMENT` unless it is a float32, int32 or bool tensor that is not disposed.
   */
  wrap(tensor: TfTensor): ResidentTensor;
  /**
   * The tensor of TensorFlow.js that a resident tensor holds, without a copy. It still belongs to the resident tensor,
   * and is gone when that is disposed or written to. To keep it, take `unwrap(resident).clone()`.
   *
   * @throws HeedError `FOREIGN_TENSOR` for a resident tensor of another backend, `DISPOSED` after its dispose().
   */
  unwrap(resident: ResidentTensor): TfTensor;
}

/** The provider whose backends are {@link TfjsNodeBackend}s. It takes no options. */
export interface TfjsNodeProvider extends BackendProvider<void> {
  create(): Promise<TfjsNodeBackend>;
}

/** What tests have otherwise than users. */
export interface Internals {
  /** How the engine is imported; by default from where this package is installed. */
  readonly load?: ImportEngine;
  readonly limits?: TileLimits;
}

export function tfjsNodeProvider({ load, limits }: Internals = {}): TfjsNodeProvider {
  return {
    contract: CONTRACT_VERSION,
    name: 'tfjs-node',
    async probe() {
      const engine = await loadEngine(load);
      return isAbsent(engine) ? engine : { available: true };
    },
    async create(options: unknown = {}) {
      checkOptions('tfjsNode.create()', options, {});
      const engine = await loadEngine(load);
      if (!isAbsent(engine)) return backendOn(engine, limits);
      throw new HeedError('UNAVAILABLE', `tfjs-node: ${engine.reason}`, { remedy: engine.remedy });
    },
  };
}

function isAbsent(engine: Engine | Absence): engine is Absence {
  return 'available' in engine;
}

function backendOn(engine: Engine, limits?: TileLimits): TfjsNodeBackend {
  return defineBackend({
    name: 'tfjs-node',
    device: engine.device,
    capabilities: {
      dtypes: ['float32'],
      features: FEATURES,
      // Not `batch`: TensorFlow multiplies matrices in blocks that depend on how many there are. Not `repeat`: without
      // oneDNN, which not every processor gets, it splits sums by the number of threads.
      guarantees: ['padding', 'nonfinite'],
    },
    memory: tensorflowMemory(engine),
    compile: (problem) => tensorflowKernel(engine, problem, limits),
  }) as TfjsNodeBackend;
}
