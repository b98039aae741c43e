import type { AttentionProblem, Capabilities, OutputName } from '@heed/core';
import { isHalf } from '@heed/core/backend';

/** Keys `start` to `end` of all. */
export interface KeyPart {
  readonly start: number;
  readonly end: number;
}

/** Properties of workers that decide whether the keys of a problem can be cut. */
export interface Workers {
  readonly capabilities: Capabilities;
}

/**
 * Cuts the keys at multiples of `shardKeys`. Problems that cannot be merged exactly go to one worker as a whole: hard
 * attention by samples, whose statistics do not tell the noise that decides; 16-bit results, which must be rounded once,
 * not for each part and again when merged; keys in a ring, which have no positions that could be cut; and problems that
 * need features that the workers do not have.
 */
export function partsOf(problem: AttentionProblem, shardKeys: number, workers: Workers): readonly KeyPart[] {
  const { keyLength } = problem;
  if (!isMergeable(problem, workers)) return [{ start: 0, end: keyLength }];
  const count = Math.max(1, Math.ceil(keyLength / shardKeys));
  return Array.from({ length: count }, (_, part) => ({
    start: part * shardKeys,
    end: Math.min((part + 1) * shardKeys, keyLength),
  }));
}

function isMergeable(problem: AttentionProblem, { capabilities }: Workers): boolean {
  const { features } = capabilities;
  return (
    problem.selection !== 'sample' &&
    !isHalf(problem.dtype) &&
    !problem.ring &&
    (problem.dropout === null || features.includes('origin')) &&
    features.includes('statistics') &&
    (problem.alignment === null || features.includes('alignment.offset')) &&
    (!problem.gradient || capabilities.partGradients === true)
  );
}

/**
 * The problem of one part of the keys, by positions in the whole. With a gradient, both passes ask for it: engines then
 * round scores differently, and the gradient's shares must be those of the merged statistics.
 */
export function partProblem(
  problem: AttentionProblem,
  part: KeyPart,
  pass: 'forward' | 'gradient',
): AttentionProblem {
  const keyLength = part.end - part.start;
  const along = <T extends NonNullable<AttentionProblem['mask'] | AttentionProblem['bias']>>(term: T): T => {
    const [b, h, i, j] = term.shape;
    return { ...term, shape: [b, h, i, j === problem.keyLength ? keyLength : j] };
  };
  return {
    ...problem,
    keyLength,
    alignment: problem.alignment === null ? null : 'offset',
    mask: problem.mask && along(problem.mask),
    bias: problem.bias && along(problem.bias),
    // Dropout counts keys from the first of all.
    origin: problem.dropout !== null,
    // A sink belongs to one part.
    sinks: problem.sinks && part.start === 0,
    outputs: pass === 'forward' ? partOutputs(problem) : ['output', 'statistics'],
  };
}

function partOutputs({ outputs, selection }: AttentionProblem): OutputName[] {
  const weights = outputs.filter((name) => name === 'weights');
  // The choices tell which part has that of all keys.
  return ['output', 'statistics', ...weights, ...(selection === 'softmax' ? [] : (['choice'] as const))];
}
