import type { Capabilities, Support } from './contract.ts';
import { featuresOf } from './features.ts';
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
