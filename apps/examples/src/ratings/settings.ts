import type { TrainingOptions } from './training.ts';

/** Chosen by the validation items of one seed, for both models. */
export const SETTINGS: Omit<TrainingOptions, 'attends' | 'seed'> = {
  length: 50,
  width: 64,
  blocks: 1,
  batch: 16,
  others: 512,
  learningRate: 0.001,
  dropout: 0.4,
  epochs: 24,
  every: 2,
};

/** Fewer ratings than this say too little about an item. */
export const MINIMUM = 5;
