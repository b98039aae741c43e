import type { Mutant } from './mutant.ts';
import { type Place, STEPS, type Steps } from './steps.ts';

/** One step of dropout is wrong. */
function step(steps: Partial<Steps>): Mutant {
  return { clause: 'dropout', overrides: { steps } };
}

/** Drops what belongs to another place. */
function elsewhere(place: (place: Place, key: number) => readonly [...Place, number]): Mutant {
  return step({
    kept(probability, seed, row, key) {
      const [b, h, i, j] = place(row, key);
      return STEPS.kept(probability, seed, [b, h, i], j);
    },
  });
}

/** Backends that drop weights wrongly, by what is wrong with them. */
export const DROPOUT_MUTANTS: Readonly<Record<string, Mutant>> = {
  'nothing dropped': step({ kept: () => 1 }),
  'dropped by the index in the part': step({ origin: () => ({ batch: 0, head: 0, query: 0, key: 0 }) }),
  'the same mask in every tile': elsewhere(([b, h, i], key) => [b, h, i, key % 128]),
  'the same mask in every block of rows': elsewhere(([b, h, i], key) => [b, h, i % 64, key]),
  'the same mask in every head': elsewhere(([b, , i], key) => [b, 0, i, key]),
  'the same mask in every element of the batch': elsewhere(([, h, i], key) => [0, h, i, key]),
  'the mask of pairs transposed': elsewhere(([b, h, i], key) => [b, h, key, i]),
  'neighboring words exchanged': elsewhere(([b, h, i], key) => [b, h, i, key ^ 1]),
  'the upper half of the seed ignored': step({
    kept: (probability, seed, ...place) => STEPS.kept(probability, seed % 2 ** 32, ...place),
  }),
  'not rescaled': step({ kept: (...given) => (STEPS.kept(...given) === 0 ? 0 : 1) }),
  'multiplied by 1 − p': step({
    kept: (probability, ...given) => (STEPS.kept(probability, ...given) === 0 ? 0 : 1 - probability),
  }),
  'kept with probability p': step({
    kept: (probability, ...given) => (STEPS.kept(probability, ...given) === 0 ? 1 / (1 - probability) : 0),
  }),
  'dropped before the sum': step({ keptInSum: (kept) => (kept === 0 ? 0 : 1) }),
  'dropped in the weights as well': step({ keptInWeights: (kept) => kept }),
  'another mask in the gradient': step({
    keptInGradient: (probability, seed, ...place) => STEPS.kept(probability, seed + 1, ...place),
  }),
  'no dropout in the gradient': step({ keptInGradient: () => 1 }),
  'no dropout in the gradient of weights': step({ keptInDWeight: () => 1 }),
  'no dropout in the gradient of values': step({ keptInDValue: () => 1 }),
  'dropped values not read': {
    ...step({ readsDropped: () => false }),
    clause: 'nonfinite',
    foundBy: 'nonfinite/dropped-value',
  },
};
