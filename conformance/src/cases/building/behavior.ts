import {
  type AttentionBackend,
  type Feature,
  type Guarantee,
  HeedError,
  type HeedErrorCode,
  resolveRequest,
} from '@heed/core';
import { featuresOf, textOf } from '@heed/core/backend';
import type { BehaviorCase, Subject } from '../../case.ts';
import { type Sketch, shapesOf } from '../../sketch.ts';

/** Declarations of a backend without which a case does not apply: features, or all that a sketch uses. */
export type Needs = readonly Feature[] | Sketch;

/** A case that is more than one comparison. */
export function behavior(
  clause: string,
  name: string,
  needs: Needs,
  run: (subject: Subject, id: string) => Promise<void>,
): BehaviorCase {
  const id = `${clause}/${name}`;
  return { kind: 'behavior', id, clause, ...declarations(needs), run: (subject) => run(subject, id) };
}

/** A case of a guarantee; the guarantee is its clause. */
export function guaranteed(
  guarantee: Guarantee,
  name: string,
  needs: Needs,
  run: (subject: Subject, id: string) => Promise<void>,
): BehaviorCase {
  return { ...behavior(guarantee, name, needs, run), guarantee };
}

function declarations(needs: Needs): Pick<BehaviorCase, 'features' | 'dtype'> {
  if (isList(needs)) return { features: needs };
  const { problem } = resolveRequest(shapesOf(needs));
  return { features: featuresOf(problem), dtype: problem.dtype };
}

function isList(needs: Needs): needs is readonly Feature[] {
  return Array.isArray(needs);
}

export function ensure(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

/** Checks that work fails with a code. `what` completes "expected X for …". */
export async function ensureError(work: () => unknown, code: HeedErrorCode, what: string): Promise<void> {
  try {
    await work();
  } catch (error) {
    ensure(HeedError.isInstance(error), `expected the code ${code} for ${what}, it threw ${textOf(error)}`);
    ensure(
      error.code === code,
      `expected the code ${code} for ${what}, it is ${error.code}: ${error.message}`,
    );
    ensure(error.message.length > 0, `the error ${code} for ${what} has no message`);
    const restored = HeedError.fromJSON(structuredClone(error.toJSON()));
    ensure(
      restored.code === code,
      `the error ${code} for ${what} does not survive toJSON and structuredClone`,
    );
    return;
  }
  throw new Error(`expected the code ${code} for ${what}, nothing was thrown`);
}

/** Uses a backend of its own, and disposes it whatever happens. */
export async function withBackend(
  { provider }: Subject,
  work: (backend: AttentionBackend) => Promise<void>,
): Promise<void> {
  const backend = await provider.create();
  try {
    await work(backend);
  } finally {
    await backend.dispose();
  }
}
