import { HeedError, type Tensor, isResident } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { AttentionScope } from './attend.ts';
import { checkPlain } from './tensors.ts';
import type { WithTensors } from './tensor-like.ts';

/** Masks and limits of a request, in tensors. */
export type PlainScope = WithTensors<AttentionScope>;

/** Masks and limits of a request, without key padding of its own. */
export type MaskedScope = Omit<PlainScope, 'keyMask'>;

/**
 * Returns the scope with its key padding as part of the mask. Reads a resident mask back for that.
 *
 * @throws HeedError `SHAPE`, `DTYPE` or `ARGUMENT`.
 */
export async function withKeyMask(
  { keyMask, ...scope }: PlainScope,
  batch: number,
  keys: number,
): Promise<MaskedScope> {
  if (keyMask === undefined) return scope;
  checkKeyMask(keyMask, batch, keys);
  const padding: Tensor = { ...keyMask, shape: [batch, 1, 1, keys] };
  const { mask } = await plainMask(scope);
  return { ...scope, mask: mask === undefined ? padding : join(mask, padding) };
}

/** Returns the scope with a plain mask: reads a resident one back. */
export async function plainMask(
  scope: MaskedScope,
): Promise<Omit<MaskedScope, 'mask'> & { readonly mask?: Tensor | undefined }> {
  const { mask, ...rest } = scope;
  return mask === undefined ? rest : { ...rest, mask: isResident(mask) ? await mask.read() : mask };
}

/** @throws HeedError `SHAPE`, `DTYPE` or `ARGUMENT`. */
export function checkKeyMask(keyMask: Tensor, batch: number, keys: number): void {
  checkPlain('keyMask', keyMask);
  const { dtype, shape } = keyMask;
  if (dtype === 'bool' && shape.length === 2 && shape[0] === batch && shape[1] === keys) return;
  throw new HeedError(
    dtype === 'bool' ? 'SHAPE' : 'DTYPE',
    `keyMask is ${dtype} [${shape.join(', ')}]; expected bool [B=${batch}, Lk=${keys}]`,
    {
      clause: 'mask',
      remedy: 'set true for keys that may be attended to: the opposite of a key_padding_mask of PyTorch',
    },
  );
}

/** Returns a mask that allows what both allow, in the broadcast shape of the two. */
function join(mask: Tensor, padding: Tensor): Tensor {
  checkPlain('mask', mask);
  if (mask.shape.length > 4) {
    throw new HeedError('SHAPE', `mask is [${mask.shape.join(', ')}]; expected at most [B, Hq, Lq, Lk]`, {
      clause: 'mask',
      remedy: 'drop the axes in front of these',
    });
  }
  const full = [...Array<number>(4 - mask.shape.length).fill(1), ...mask.shape];
  const shape = full.map((length, axis) => (length === 1 ? padding.shape[axis] : length));
  if (full.some((length, axis) => length !== 1 && ![1, length].includes(padding.shape[axis]))) {
    throw new HeedError(
      'SHAPE',
      `mask is [${mask.shape.join(', ')}], which does not broadcast to B=${padding.shape[0]}, Lk=${padding.shape[3]}`,
      { clause: 'mask', remedy: 'make each length 1 or the full one; shorter shapes align at the right' },
    );
  }
  const [, heads, queries, keys] = shape;
  const excluded = mask.dtype === 'bool' ? 0 : -Infinity;
  const size = sizeOf(shape);
  const data = new (mask.data.constructor as new (length: number) => Float32Array)(size);
  for (let n = 0; n < size; n++) {
    const position = [
      Math.floor(n / (keys * queries * heads)),
      Math.floor(n / (keys * queries)) % heads,
      Math.floor(n / keys) % queries,
      n % keys,
    ];
    const allowed = padding.data[elementOf(padding.shape, position)] !== 0;
    data[n] = allowed ? mask.data[elementOf(full, position)] : excluded;
  }
  return { dtype: mask.dtype, shape, data } as Tensor;
}

/** The element that broadcasts to a position. */
function elementOf(shape: readonly number[], position: readonly number[]): number {
  return shape.reduce((element, length, axis) => element * length + (length === 1 ? 0 : position[axis]), 0);
}
