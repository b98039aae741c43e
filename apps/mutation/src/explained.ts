import type { Mutant } from './instrument.ts';
import type { Fate } from './mutate.ts';

export const KINDS = ['equivalent', 'cost', 'rounding', 'unspecified'] as const;

/**
 * Reason that mutants may survive. `equivalent`: no result differs. `cost`: only time or memory does. `rounding`:
 * results differ by less than the bound of the clause `accuracy`. `unspecified`: they differ where the specification
 * says nothing.
 */
export interface Explanation {
  readonly kind: (typeof KINDS)[number];
  readonly reason: string;
  /** Names of the mutants, by {@link nameOf}. */
  readonly mutants: readonly string[];
}

const LONGEST = 120;

/** A name that outlives changes elsewhere in the file: `file | line of code | original → replacement`. */
export function nameOf({ file, code, original, replacement }: Mutant): string {
  return `${file} | ${code} | ${brief(original)} → ${brief(replacement)}`;
}

function brief(code: string): string {
  const line = code.replaceAll(/\s+/g, ' ');
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST / 2)} … ${line.slice(-LONGEST / 2)}`;
}

/** Survivors, each with its explanation or null, and the names in explanations that no survivor has. */
export interface Survivors {
  readonly explained: readonly { readonly mutant: Mutant; readonly by: Explanation | null }[];
  readonly stale: readonly string[];
}

/** Finds the explanations of mutants that were not killed. Names from files without mutants are not stale. */
export function explain(fates: readonly Fate[], explanations: readonly Explanation[]): Survivors {
  const byName = new Map(explanations.flatMap((by) => by.mutants.map((name) => [name, by] as const)));
  const survivors = fates.filter(({ fate }) => fate !== 'killed').map(({ mutant }) => mutant);
  const names = new Set(survivors.map(nameOf));
  const files = new Set(fates.map(({ mutant }) => mutant.file));
  return {
    explained: survivors.map((mutant) => ({ mutant, by: byName.get(nameOf(mutant)) ?? null })),
    stale: [...byName.keys()].filter((name) => !names.has(name) && files.has(name.split(' | ')[0]!)),
  };
}

/** Returns the mutants that an earlier run killed. More cases kill at least as many; only changed kernels undo it. */
export function killedBefore(mutants: readonly Mutant[], before: readonly Fate[]): Fate[] {
  const byName = new Map<string, Fate>();
  for (const fate of before) {
    const name = nameOf(fate.mutant);
    // If several share one name, all must have been killed.
    if ((byName.get(name)?.fate ?? 'killed') === 'killed') byName.set(name, fate);
  }
  return mutants.flatMap((mutant) => {
    const known = byName.get(nameOf(mutant));
    return known?.fate === 'killed' ? [{ ...known, mutant }] : [];
  });
}
