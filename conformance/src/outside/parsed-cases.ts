import type { ConformanceCase } from '../case.ts';

/** Content of case files. */
export interface ParsedCases {
  readonly cases: readonly ConformanceCase[];
  /** Other content of the files, which is not checked: listed, so that nobody assumes it is. */
  readonly notCovered: readonly NotCovered[];
}

/** Content of a file of cases that is not checked. */
export interface NotCovered {
  /** The case that it belongs to. */
  readonly id: string;
  /** An output or an operator: `present_key`, `FlexAttention`. */
  readonly what: string;
  readonly reason: string;
}
