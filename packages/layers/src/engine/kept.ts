import { HeedError } from '@heed/core';

/** Tensors and packed weights that a forward pass leaves in an engine for its gradient, freed once. */
export class Kept {
  readonly #parts: { dispose(): void }[] = [];

  /** Takes ownership. */
  add<T extends { dispose(): void }>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  dispose(): void {
    for (const part of this.#parts.splice(0)) part.dispose();
  }
}

/** A pass whose gradient has not been computed. */
export interface Pass {
  readonly kept: Kept;
}

const dropped =
  typeof FinalizationRegistry === 'undefined'
    ? null
    : new FinalizationRegistry<Kept>((kept) => {
        kept.dispose();
      });

/**
 * The gradient of a forward pass. Its first call frees what the pass has kept, so that a training loop needs no `dispose()`; a
 * later one runs the pass again, from inputs and parameters that are the same. A gradient that is never called frees it when it is
 * collected.
 *
 * @param again runs the forward pass.
 */
export function gradientOf<P extends Pass, D, G>(
  pass: P,
  again: () => Promise<P>,
  compute: (pass: P, dOutput: D) => Promise<G>,
): (dOutput: D) => Promise<G> {
  let next: P | null = pass;
  const gradient = async (dOutput: D): Promise<G> => {
    const first = next;
    next = null;
    dropped?.unregister(gradient);
    const mine = first ?? (await again());
    try {
      return await compute(mine, dOutput);
    } finally {
      mine.kept.dispose();
    }
  };
  dropped?.register(gradient, pass.kept, gradient);
  return gradient;
}

/** Runs a pass, and frees what it keeps if it fails. */
export async function passing<P extends Pass>(run: (kept: Kept) => Promise<P>): Promise<P> {
  const kept = new Kept();
  try {
    return await run(kept);
  } catch (error) {
    kept.dispose();
    throw error;
  }
}

/** Refuses the gradient of a forward pass that was called without `gradient`. */
export function notAsked(): never {
  throw new HeedError('NOT_DIFFERENTIABLE', 'the forward pass was called without its gradient', {
    remedy: 'call forward() with gradient: true',
  });
}
