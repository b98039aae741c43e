import { readFileSync } from 'node:fs';
import type { SIZES } from './training.ts';

/** The losses that scripts/train_pytorch.py wrote: of each size, one for each step. */
export function lossesOfTorch(): {
  readonly source: string;
  readonly losses: Readonly<Record<keyof typeof SIZES, readonly number[]>>;
} {
  const file = new URL('../../cases/torch-losses.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof lossesOfTorch>;
}
