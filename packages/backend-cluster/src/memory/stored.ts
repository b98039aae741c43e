import type { Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import {
  type StoredPart,
  type StoredTensor,
  type StoredWrite,
  baseName,
  writeName,
} from '../run/protocol.ts';
import { decode, tensorOf } from '../transport/packet.ts';
import { applyWrite, withLength } from './slices.ts';

/** Fetches a blob. */
export type Fetch = (name: string) => Promise<Uint8Array>;

type Where = Pick<StoredTensor, '$stored' | 'dtype' | 'shape' | 'axis' | 'partLength'>;

/** Lengths of a part. */
export function partShape({ shape, axis, partLength }: Where, part: number): number[] {
  const start = part * partLength;
  return withLength(shape, axis, Math.min(partLength, shape[axis]! - start));
}

/** Fetches a part in a state: its base, and the writes since. */
export async function fetchPart(where: Where, part: StoredPart, fetch: Fetch): Promise<Tensor> {
  const base = await fetchBase(where, part, fetch);
  for (const write of await fetchWrites(where, part.part, part.base ?? 0, part.version, fetch)) {
    applyWrite(base, write);
  }
  return base;
}

async function fetchBase(where: Where, { part, base }: StoredPart, fetch: Fetch): Promise<Tensor> {
  const shape = partShape(where, part);
  if (base === null) return zeros(where.dtype, shape);
  return tensorOf(where.dtype, shape, await fetch(baseName(where.$stored, part, base)));
}

/** Writes on their way at the same time. */
const AT_ONCE = 16;

/** Fetches the writes that lead from one state of a part to another, in their order. */
export async function fetchWrites(
  where: Where,
  part: number,
  from: number,
  to: number,
  fetch: Fetch,
): Promise<StoredWrite[]> {
  const writes: StoredWrite[] = [];
  for (let version = from + 1; version <= to; version += AT_ONCE) {
    const count = Math.min(AT_ONCE, to - version + 1);
    const fetched = Array.from({ length: count }, (_, n) =>
      fetch(writeName(where.$stored, part, version + n)),
    );
    for (const bytes of await Promise.all(fetched)) writes.push(decode(bytes) as StoredWrite);
  }
  return writes;
}
