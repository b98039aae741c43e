import type { Overrides } from './simple-backend.ts';

/** A backend with one fault. */
export interface Mutant {
  /** The clause that names the fault: one of its cases must fail. */
  readonly clause: string;
  readonly overrides: Overrides;
  /** Id of the only case that finds it, where those before it take long. */
  readonly foundBy?: string;
}
