import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Tensors } from '../platform/engine.ts';

/** Tensors that are needed across turns of the event loop, where no `tf.tidy` reaches. */
export class Held {
  readonly #tensors = new Set<TfTensor>();

  add<T extends Tensors>(tensors: T): T {
    for (const tensor of Object.values(tensors)) this.#tensors.add(tensor);
    return tensors;
  }

  /** Takes tensors back out and frees them. */
  free(tensors: Tensors): void {
    for (const tensor of Object.values(tensors)) {
      if (this.#tensors.delete(tensor)) tensor.dispose();
    }
  }

  /** Releases tensors that somebody else takes charge of. */
  release(tensors: Tensors): void {
    for (const tensor of Object.values(tensors)) this.#tensors.delete(tensor);
  }

  freeAll(): void {
    for (const tensor of this.#tensors) tensor.dispose();
    this.#tensors.clear();
  }
}
