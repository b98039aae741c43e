import { readCases } from './captures.ts';
import type { TrainingSize } from './small-transformer.ts';

interface Curve {
  readonly name: string;
  readonly size: TrainingSize;
  readonly losses: readonly number[];
}

/** The losses of PyTorch for a model of a size, and what they were made with. */
export function torchCurve(name: 'small' | 'whole'): Curve & {
  readonly source: string;
  readonly learningRate: number;
} {
  const { source, learningRate, cases } = readCases<{
    readonly source: string;
    readonly learningRate: number;
    readonly cases: readonly Curve[];
  }>('torch-training');
  return { source, learningRate, ...cases.find((curve) => curve.name === name)! };
}
