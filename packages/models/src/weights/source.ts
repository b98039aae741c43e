import { HeedError, type StoredWeight, type Tensor } from '@heed/core';
import { shown } from '@heed/core/backend';
import type { StateDict } from '@heed/layers';
import { type Matrix, checkMatrix, decoded } from './matrix.ts';

/** A file of tensors, as `openSafetensors`, `openSafetensorsShards` and `openGGUF` return it. */
export interface WeightSource {
  readonly names: readonly string[];
  /** A tensor, in whatever type the file has it; matrices may be 16-bit floats or blocks. */
  tensor(name: string): Promise<Tensor | StoredWeight>;
  /** The same, where `tensor` widens it: 16-bit floats as they are. Default: `tensor`. */
  stored?(name: string): Promise<Tensor | StoredWeight>;
}

/** Buffers that files keep beside the weights, and that follow from the configuration. */
const BUFFERS = /(^|\.)(rotary_emb\.inv_freq|attn\.bias|attn\.masked_bias|embeddings\.position_ids)$/;

/** Takes tensors out of a file and tells in the end which ones nobody took. */
export class WeightReader {
  readonly #source: WeightSource;
  readonly #prefix: string;
  readonly #left: Set<string>;

  /** @param prefix that some files put before each name, others not: `model.`, `transformer.` */
  constructor(source: WeightSource, prefix: string) {
    const { names, tensor } = (source ?? {}) as Partial<WeightSource>;
    if (!Array.isArray(names) || typeof tensor !== 'function') {
      throw new HeedError('ARGUMENT', `the weights are ${shown(source)}; expected an opened file`, {
        clause: 'models.weights',
        remedy: 'give what openSafetensors() returned, awaited',
      });
    }
    this.#source = source;
    this.#prefix = source.names.some((name) => name.startsWith(prefix)) ? prefix : '';
    this.#left = new Set(source.names.filter((name) => !BUFFERS.test(name)));
  }

  /** The tensors under a prefix, by the rest of their names. */
  async under(prefix: string): Promise<StateDict> {
    const full = this.#prefix + prefix;
    const names = this.#source.names.filter((name) => name.startsWith(full) && !BUFFERS.test(name));
    const dict: Record<string, Tensor> = {};
    for (const name of names) {
      this.#left.delete(name);
      dict[name.slice(full.length)] = plain(await this.#source.tensor(name));
    }
    return dict;
  }

  /**
   * A matrix as it is stored.
   *
   * @param name behind the prefix, or in full: not every tensor is under it.
   * @throws HeedError `MISSING_INPUT`, `SHAPE` or `DTYPE`.
   */
  async matrix(name: string, shape: readonly number[]): Promise<Matrix> {
    const full = this.#source.names.includes(this.#prefix + name) ? this.#prefix + name : name;
    const isThere = this.#left.delete(full) || this.#source.names.includes(full);
    return checkMatrix(full, isThere ? await this.#stored(full) : undefined, shape);
  }

  #stored(name: string): Promise<Tensor | StoredWeight> {
    return this.#source.stored?.(name) ?? this.#source.tensor(name);
  }

  /** Skips a tensor that repeats another one. */
  skip(name: string): void {
    this.#left.delete(name);
  }

  /** @throws HeedError `UNEXPECTED_INPUT` for tensors that the model does not have. */
  finish(): void {
    refuse([...this.#left]);
  }
}

/** @throws HeedError `UNEXPECTED_INPUT` for tensors under a prefix that the model does not have. */
export function refuseOthers(prefix: string, dict: StateDict): void {
  refuse(Object.keys(dict).map((name) => prefix + name));
}

function refuse(names: readonly string[]): void {
  if (names.length === 0) return;
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  throw new HeedError('UNEXPECTED_INPUT', `the model has no ${names.slice(0, 5).join(', ')}${more}`, {
    clause: 'models.weights',
    remedy: 'check that the configuration and the weights are of the same model',
  });
}

/** @throws HeedError `MISSING_INPUT`, `SHAPE` or `DTYPE` for a tensor of a file that is not as the configuration says. */
export function checkWeight(
  name: string,
  tensor: Tensor | undefined,
  shape: readonly number[],
): asserts tensor is Tensor<'float32'> {
  const expected = `[${shape.join(', ')}]`;
  const details = {
    clause: 'models.weights',
    remedy: 'check that the configuration and the weights are of the same model',
  };
  if (tensor === undefined) {
    throw new HeedError('MISSING_INPUT', `the file has no ${name}; expected ${expected}`, details);
  }
  if (tensor.shape.join() !== shape.join()) {
    throw new HeedError('SHAPE', `${name} is [${tensor.shape.join(', ')}]; expected ${expected}`, details);
  }
  if (tensor.dtype === 'float32') return;
  throw new HeedError('DTYPE', `${name} is ${tensor.dtype}; expected float32`, details);
}

/**
 * Checks that the weights of a layer are as many as its configuration says, before the layer is made: a length that is wrong by orders
 * of magnitude would take the memory.
 *
 * @throws HeedError `MISSING_INPUT` or `SHAPE`.
 */
export function checkEnough(part: string, dict: StateDict, numbers: number): void {
  const found = Object.values(dict).reduce((sum, { data }) => sum + data.length, 0);
  if (found >= numbers) return;
  throw new HeedError(
    found === 0 ? 'MISSING_INPUT' : 'SHAPE',
    `${part} has ${found} numbers in the file; expected ${numbers} or more`,
    {
      clause: 'models.weights',
      remedy: 'check that the configuration and the weights are of the same model',
    },
  );
}

/** Decodes what layers load: they take no stored types. */
function plain(tensor: Tensor | StoredWeight): Tensor {
  const { dtype } = tensor;
  return dtype === 'float32' || dtype === 'float64' || dtype === 'int32' || dtype === 'bool'
    ? (tensor as Tensor)
    : decoded(tensor as Matrix);
}
