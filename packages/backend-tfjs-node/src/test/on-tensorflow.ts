import { type Tensor, tensor } from '@heed/core';
import type * as TfjsNode from '@tensorflow/tfjs-node';
import { describe } from 'vitest';
import tfjsNode, { type TfjsNodeBackend } from '../index.ts';

const availability = await tfjsNode.probe();
const reason = availability.available ? '' : `: ${availability.reason} (${availability.remedy})`;

/** Tools of a test on TensorFlow. */
export interface Setting {
  readonly tf: typeof TfjsNode;
  readonly backend: TfjsNodeBackend;
}

/** Defines tests that need the engine; skipped, by a name that says what is missing, if it is absent. */
export function onTensorflow(name: string, define: (setting: () => Promise<Setting>) => void): void {
  let setting: Promise<Setting> | null = null;
  describe.skipIf(!availability.available)(`${name}${reason}`, () => {
    define(() => (setting ??= begin()));
  });
}

async function begin(): Promise<Setting> {
  const backend = await tfjsNode.create();
  return { tf: await import('@tensorflow/tfjs-node'), backend };
}

/** A float32 tensor of numbers between −1 and 1 that repeat after no length of interest. */
export function numbers(seed: number, ...shape: number[]): Tensor<'float32'> {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, n) => Math.sin(seed * 91.7 + n * 12.9898)),
    shape,
  );
}
