import type { AttentionInputs, AttentionProblem, GradientInputs, Plan } from '@heed/core';

/** A request to the other process. */
export type Question =
  | { readonly id: number; readonly what: 'create'; readonly options: object }
  | { readonly id: number; readonly what: 'compile'; readonly problem: AttentionProblem }
  | {
      readonly id: number;
      readonly what: 'run';
      readonly kernel: number;
      readonly inputs: AttentionInputs;
      /** Results of the forward run, for a gradient. */
      readonly forward?: GradientInputs;
    }
  | { readonly id: number; readonly what: 'abort' }
  | { readonly id: number; readonly what: 'dispose'; readonly kernel: number };

/** An answer of the other process: the device, a kernel's plan, results. */
export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: {
    readonly code?: string | undefined;
    readonly message: string;
    readonly remedy?: string | undefined;
  };
}

export interface CompiledThere {
  readonly kernel: number;
  readonly plan: Plan;
}
