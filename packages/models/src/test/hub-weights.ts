import { type Tensor, tensor } from '@heed/core';
import { type StateDict, openSafetensors, seededRandom, writeSafetensors } from '@heed/layers';
import type { WeightSource } from '../weights/source.ts';

/** Numbers from −0.5 to 0.5, the same each time. */
export function randomTensors(seed: number): (...shape: number[]) => Tensor<'float32'> {
  const next = seededRandom(seed);
  return (...shape) =>
    tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => next() - 0.5),
      shape,
    );
}

/** Random weights of a model under the names of the hub, in the order in which they are added. */
export class HubWeights {
  readonly dict: Record<string, Tensor<'float32'>> = {};
  readonly #make: ReturnType<typeof randomTensors>;

  constructor(seed: number) {
    this.#make = randomTensors(seed);
  }

  add(name: string, ...shape: number[]): void {
    this.dict[name] = this.#make(...shape);
  }

  /** A weight, and a bias as long as its first axis. */
  both(name: string, ...shape: number[]): void {
    this.add(`${name}.weight`, ...shape);
    this.add(`${name}.bias`, shape[0]!);
  }
}

/** The weights in a file, each name behind a prefix. */
export function fileOf(weights: StateDict, prefix = ''): Promise<WeightSource> {
  const named = Object.fromEntries(Object.entries(weights).map(([name, value]) => [prefix + name, value]));
  return openSafetensors(new Blob([writeSafetensors(named) as BlobPart]));
}
