import type { AttentionInputs, AttentionProblem } from '@heed/core';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Engine, Tf } from '../platform/engine.ts';
import type { Native } from '../memory/memory.ts';
import { hasLengths } from '../plan/tiles.ts';

/** A tensor in which NaN and infinities would have to be looked after. */
export interface Suspect {
  readonly tensor: TfTensor;
  /** Whether −∞ is no number there but a sign: in masks, biases and sinks. */
  readonly mayExclude: boolean;
}

export function suspect(tensor: TfTensor): Suspect {
  return { tensor, mayExclude: false };
}

/** The suspects of a run, and of its gradient if dOutput is given. */
export function suspectsOf(
  problem: AttentionProblem,
  inputs: AttentionInputs<Native>,
  dOutput?: Native,
): Suspect[] {
  const { query, key, value, mask, bias, sinks, alibiSlopes } = inputs;
  // With nothing between product and softmax, NaN shows by itself wherever it is attended to, and so does an infinity,
  // unless a key makes a score −∞.
  if (isBare(problem) && dOutput === undefined) return [suspect(key)];
  return [
    ...[query, key, value, alibiSlopes, dOutput].filter((tensor) => tensor !== undefined).map(suspect),
    ...[problem.mask?.kind === 'float' ? mask : undefined, bias, sinks]
      .filter((tensor) => tensor !== undefined)
      .map((tensor) => ({ tensor, mayExclude: true })),
  ];
}

/** Whether every row attends to every key by its score alone, and output and weights are all that is asked for. */
export function isBare(problem: AttentionProblem): boolean {
  const { causal, window, lengths } = problem;
  return isPlain(problem) && !causal && window === null && !hasLengths(lengths);
}

/** As {@link isBare}, but for the keys that causal, a window and lengths exclude. */
export function isPlain(problem: AttentionProblem): boolean {
  const { segments, mask, bias, alibi, sinks, softcap, selection, outputs } = problem;
  const isSoft = selection === 'softmax' && outputs.every((name) => name === 'output' || name === 'weights');
  return !segments && !mask && !bias && !alibi && !sinks && softcap === null && isSoft;
}

/** One number that is finite if every number of the suspect is; the other way round it may err, at huge numbers. */
function witness(tf: Tf, { tensor, mayExclude }: Suspect): TfTensor {
  return mayExclude ? tf.maximum(tf.max(tensor), 0) : tf.sum(tensor);
}

/** Whether all suspects are finite, of which there is one at least. */
export function areFinite(tf: Tf, suspects: readonly Suspect[]): boolean {
  return Number.isFinite(tf.addN(suspects.map((each) => witness(tf, each))).dataSync()[0]);
}

/** What was found, by suspicion and by the data. TensorFlow's tensors are immutable, so it stays true. */
const found = { number: new WeakMap<object, boolean>(), sign: new WeakMap<object, boolean>() };

/** As {@link areFinite}, remembered: a cache or weights that stay resident are gone through once. */
export function areFiniteForGood({ tf, compute }: Engine, suspects: readonly Suspect[]): boolean {
  const memory = ({ mayExclude }: Suspect): WeakMap<object, boolean> =>
    mayExclude ? found.sign : found.number;
  const unknown = suspects.filter((each) => !memory(each).has(each.tensor.dataId));
  if (unknown.length > 0) {
    compute(() => {
      const witnesses = tf.stack(unknown.map((each) => witness(tf, each))).dataSync();
      for (const [n, each] of unknown.entries()) {
        memory(each).set(each.tensor.dataId, Number.isFinite(witnesses[n]));
      }
      return {};
    });
  }
  return suspects.every((each) => memory(each).get(each.tensor.dataId)!);
}
