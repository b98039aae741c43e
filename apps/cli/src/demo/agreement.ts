import { type AgreementCase, type Capture, type Worst, verify } from '@heed/conformance';
import type { BackendProvider } from '@heed/core';
import { textOf } from '@heed/core/backend';

/** Agreement of a backend with the float64 reference on a model's own queries, keys and values. */
export interface Agreement {
  readonly backend: string;
  /** True if every number is within the bound of SPEC.md, clause `accuracy`. */
  readonly agrees: boolean;
  /** Result nearest to its bound, or farthest beyond it; null if nothing could be compared. */
  readonly worst: Worst | null;
  readonly layers: readonly { readonly layer: number; readonly worst: Worst | null }[];
  /** Failures, if any. */
  readonly failures: readonly string[];
}

/** Compares outputs, weights and logSumExp of every layer and head of the captures. */
export async function agreementOf(
  provider: BackendProvider,
  captures: Readonly<Record<string, Capture>>,
): Promise<Agreement> {
  const cases = Object.entries(captures).flatMap(([name, capture]) => casesOf(name, capture));
  const backend = provider.name;
  try {
    const report = await verify(provider, { cases });
    const layers = report.clauses.map(({ clause, worst }) => ({ layer: Number(clause), worst }));
    const failures = report.clauses.flatMap(({ failures: failed }) =>
      failed.map(({ id, message }) => `${id}: ${message}`),
    );
    const agrees = report.passed === cases.length;
    if (!agrees && failures.length === 0)
      failures.push(`${report.refused} of ${cases.length} cases are refused`);
    return { backend, agrees, worst: worstOf(layers.map(({ worst }) => worst)), layers, failures };
  } catch (error) {
    const message = error instanceof Error ? error.message : textOf(error);
    return { backend, agrees: false, worst: null, layers: [], failures: [message] };
  }
}

function casesOf(name: string, { layers }: Capture): AgreementCase[] {
  return layers.map(({ layer, query, key, value, scale }) => ({
    kind: 'agreement',
    id: `${name}, layer ${layer}`,
    clause: String(layer),
    request: () => structuredClone({ query, key, value, scale, weights: true, logSumExp: true }),
  }));
}

/** Returns the comparison that takes the largest share of its bound. */
function worstOf(comparisons: readonly (Worst | null)[]): Worst | null {
  return comparisons.reduce((a, b) => (shareOfBound(b) > shareOfBound(a) ? b : a), null);
}

/** Share of the bound: 1 is the bound itself; a value above it, or not a number, is wrong. */
export function shareOfBound(worst: Worst | null): number {
  if (worst === null) return -1;
  if (worst.error === null) return Infinity;
  return worst.error === 0 ? 0 : worst.error / worst.bound;
}
