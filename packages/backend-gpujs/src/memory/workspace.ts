import type { Engine } from '../platform/engine.ts';

/** Temporary arrays of some work. */
export interface Workspace {
  /** Takes ownership of an array: it is freed when the work ends, also if it fails. */
  keep<B>(array: B): B;
  upload(data: Float32Array): Promise<unknown>;
}

export async function withWorkspace<T>(
  engine: Engine,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const arrays: unknown[] = [];
  const keep = <B>(array: B): B => {
    arrays.push(array);
    return array;
  };
  try {
    return await work({ keep, upload: async (data) => keep(await engine.upload(data)) });
  } finally {
    for (const array of arrays) engine.free(array);
  }
}
