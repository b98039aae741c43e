import type { AttentionInputs, AttentionProblem } from '@heed/core';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Engine, Tf } from '../platform/engine.ts';
import type { Native } from '../memory/memory.ts';
import { hasLengths } from '../plan/tiles.ts';

/** A tensor in which NaN and infinities would need care. */
export interface Suspect {
  readonly tensor: TfTensor;
  /** True if −∞ is not a number there but a sign: in masks, biases and sinks. */
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

/** Returns whether every row attends to every key by its score alone, and only output and weights are requested. */
export function isBare(problem: AttentionProblem): boolean {
  const { causal, window, lengths } = problem;
  return isPlain(problem) && !causal && window === null && !hasLengths(lengths);
}

/** Returns the same as {@link isBare}, ignoring the keys that causal, a window and lengths exclude. */
export function isPlain(problem: AttentionProblem): boolean {
  const { segments, mask, bias, alibi, sinks, softcap, selection, outputs } = problem;
  const isSoft = selection === 'softmax' && outputs.every((name) => name === 'output' || name === 'weights');
  return !segments && !mask && !bias && !alibi && !sinks && softcap === null && isSoft;
}

/** One number that is non-finite if any number of the suspect is; huge numbers, too, may make it non-finite. */
function witness(tf: Tf, { tensor, mayExclude }: Suspect): TfTensor {
  return mayExclude ? tf.maximum(tf.max(tensor), 0) : tf.sum(tensor);
}

/** Returns whether all suspects, at least one, are finite. */
export function areFinite(tf: Tf, suspects: readonly Suspect[]): boolean {
  return Number.isFinite(tf.addN(suspects.map((each) => witness(tf, each))).dataSync()[0]);
}

/** Findings by suspicion and by the data. TensorFlow's tensors are immutable, so they stay true. */
const found = { number: new WeakMap<object, boolean>(), sign: new WeakMap<object, boolean>() };

/** Remembers the result of {@link areFinite}: a cache or weights that stay resident are checked once. */
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
