import { type AttentionBackend, type AttentionProblem, type Capabilities, HeedError } from '@heed/core';
import { featuresOf, textOf } from '@heed/core/backend';

/** Features that a problem uses and a backend does not declare, or `dtype`. */
export function undeclared(capabilities: Capabilities, problem: AttentionProblem): string[] {
  const features: string[] = featuresOf(problem).filter(
    (feature) => !capabilities.features.includes(feature),
  );
  return capabilities.dtypes.includes(problem.dtype) ? features : ['dtype', ...features];
}

/**
 * SPEC.md, clause `refusal`: what is not declared is refused by `supports()`, with a feature that is missing as its
 * clause, and by `compile()` with the code UNSUPPORTED and the same clause. Returns what is wrong, or null.
 */
export async function checkRefused(
  backend: AttentionBackend,
  problem: AttentionProblem,
): Promise<string | null> {
  const missing = undeclared(backend.capabilities, problem);
  const names = missing.join(', ');
  const support = backend.supports(problem);
  if (support.supported) return `supports() accepts ${names}, which the capabilities do not declare`;
  if (!missing.some((name) => support.clause === name || support.clause === clauseOf(name))) {
    return `supports() refuses with the clause ${support.clause}, what is missing is ${names}`;
  }
  try {
    const kernel = await backend.compile(problem);
    await kernel.dispose();
  } catch (error) {
    if (!HeedError.isInstance(error) || error.code !== 'UNSUPPORTED') {
      return `compile() refuses ${names} with ${textOf(error)}; expected a HeedError with the code UNSUPPORTED`;
    }
    if (error.clause !== support.clause) {
      return `compile() refuses with the clause ${error.clause}, supports() with ${support.clause}`;
    }
    return null;
  }
  return `supports() refuses ${names}, compile() accepts it`;
}

/** The clause of SPEC.md that a feature belongs to: the part before the dot. */
export function clauseOf(feature: string): string {
  return feature.split('.')[0]!;
}
