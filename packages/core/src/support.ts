import type { Capabilities, Support } from './contract.ts';
import { HeedError } from './error.ts';
import { featuresOf } from './features.ts';
import { isHalf } from './float16.ts';
import type { AttentionProblem } from './problem.ts';

/** Returns whether declared capabilities cover a problem; if not, the first missing clause. */
export function supportOf(capabilities: Capabilities, problem: AttentionProblem): Support {
  if (!capabilities.dtypes.includes(problem.dtype)) {
    return {
      supported: false,
      clause: 'dtype',
      reason: `computes in ${capabilities.dtypes.join(' and ')}, not in ${problem.dtype}`,
    };
  }
  const missing = featuresOf(problem).find((feature) => !capabilities.features.includes(feature));
  return missing === undefined
    ? { supported: true }
    : { supported: false, clause: missing, reason: `does not declare the feature ${missing}` };
}

/** Throws if a backend does not compute the gradient of a problem whose keys are a part of all keys. */
export function checkPartGradient(
  name: string,
  { partGradients = false }: Capabilities,
  { dtype }: AttentionProblem,
): void {
  if (partGradients && !isHalf(dtype)) return;
  throw new HeedError(
    'UNSUPPORTED',
    isHalf(dtype)
      ? `the gradient of a part of the keys in ${dtype}: results of 16 bits are rounded once, not for each part`
      : `${name}: the gradient of a part of the keys: it does not declare capabilities.partGradients`,
    {
      clause: 'merge',
      remedy: isHalf(dtype)
        ? "convert the tensors: cast(tensor, 'float32')"
        : 'compute the gradient over all keys at once, or choose a backend that declares it',
    },
  );
}
