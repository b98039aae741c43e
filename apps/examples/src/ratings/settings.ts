import type { TrainingOptions } from './training.ts';

/** Chosen by the validation items of one seed, among dropout 0.2 and 0.4 and learning rates 0.001 and 0.002, for both models. */
export const SETTINGS: Omit<TrainingOptions, 'attends' | 'seed'> = {
  length: 50,
  width: 64,
  blocks: 2,
  batch: 16,
  others: 128,
  learningRate: 0.001,
  dropout: 0.2,
  epochs: 24,
  every: 2,
};

/** Fewer ratings than this say too little about an item. */
export const MINIMUM = 5;
