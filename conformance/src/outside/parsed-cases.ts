import type { ConformanceCase } from '../case.ts';

/** What a case file holds. */
export interface ParsedCases {
  readonly cases: readonly ConformanceCase[];
  /** What the files hold besides and nothing here checks: listed, so that it is not taken for checked. */
  readonly notCovered: readonly NotCovered[];
}

export interface NotCovered {
  /** The case that it belongs to. */
  readonly id: string;
  /** An output or an operator: `present_key`, `FlexAttention`. */
  readonly what: string;
  readonly reason: string;
}
