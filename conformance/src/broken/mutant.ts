import type { Overrides } from './simple-backend.ts';

/** A backend with one fault. */
export interface Mutant {
  /** The clause that names the fault: one of its cases must fail. */
  readonly clause: string;
  readonly overrides: Overrides;
}
