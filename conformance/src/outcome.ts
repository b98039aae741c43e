import type { Comparison } from './judge/compare.ts';

/** Outcome of one case. */
export type Outcome =
  | { readonly status: 'passed'; readonly comparisons: readonly Comparison[] }
  | { readonly status: 'failed'; readonly message: string; readonly comparisons: readonly Comparison[] }
  /** The backend does not declare `missing`, which the case uses, and refused it as the clause `refusal` says. */
  | { readonly status: 'refused'; readonly missing: readonly string[] }
  /** The case tests a guarantee that the backend does not declare. */
  | { readonly status: 'notGuaranteed' }
  /** The case is a behavior that needs more than the backend declares. */
  | { readonly status: 'notApplicable'; readonly missing: readonly string[] };

export function passed(comparisons: readonly Comparison[] = []): Outcome {
  return { status: 'passed', comparisons };
}

export function failed(message: string, comparisons: readonly Comparison[] = []): Outcome {
  return { status: 'failed', message, comparisons };
}
