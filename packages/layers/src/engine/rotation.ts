import type {
  AttentionBackend,
  ResidentTensor,
  RotaryKernel,
  RotaryProblem,
  RotaryTables,
  RunOptions,
  Tensor,
} from '@heed/core';
import type { Kept } from './kept.ts';
import { Kernels } from './kernels.ts';

type Name = 'query' | 'key';

/** Rotary embedding of one call: queries and keys may have the same tables. */
export interface Rotation {
  readonly kernels: Kernels<RotaryProblem, RotaryKernel>;
  readonly problem: RotaryProblem;
  readonly tables: Readonly<Record<Name, RotaryTables<Tensor>>>;
}

/** The same in an engine. */
export interface RotationOn {
  readonly kernel: RotaryKernel;
  readonly tables: Readonly<Record<Name, RotaryTables<ResidentTensor>>>;
}

/** Kernels of rotary embeddings. */
export function rotaryKernels(): Rotation['kernels'] {
  return new Kernels((backend, problem) => backend.rotary!.compile(problem));
}

/** Puts the tables of a call into the engine. */
export async function rotationOn(
  backend: AttentionBackend,
  { kernels, problem, tables }: Rotation,
  gradient: boolean,
  kept: Kept,
): Promise<RotationOn> {
  const kernel = await kernels.of(backend, { ...problem, gradient });
  const uploaded = async ({
    cosines,
    sines,
  }: RotaryTables<Tensor>): Promise<RotaryTables<ResidentTensor>> => ({
    cosines: kept.add(await backend.upload(cosines as Tensor<'float32'>)),
    sines: kept.add(await backend.upload(sines as Tensor<'float32'>)),
  });
  const query = await uploaded(tables.query);
  return { kernel, tables: { query, key: tables.key === tables.query ? query : await uploaded(tables.key) } };
}

/** Heads `[B, L, H, D]` rotated in the engine. */
export async function rotatedOn(
  { kernel, tables }: RotationOn,
  name: Name,
  input: ResidentTensor,
  run: RunOptions,
  kept: Kept,
): Promise<ResidentTensor> {
  return kept.add((await kernel.run({ input, ...tables[name] }, { ...run, resident: true })).output);
}

/** The gradient of rotated heads, rotated back in the engine. */
export async function rotatedBackOn(
  { kernel, tables }: RotationOn,
  name: Name,
  dOutput: ResidentTensor,
  kept: Kept,
): Promise<ResidentTensor> {
  return kept.add((await kernel.gradient(tables[name], { dOutput }, { resident: true })).dInput);
}
