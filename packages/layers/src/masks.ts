import { HeedError, type Tensor } from '@heed/core';
import type { AttentionScope } from './attend.ts';

/** The scope with its key padding made part of the mask. */
export function withKeyMask({ keyMask, ...scope }: AttentionScope): Omit<AttentionScope, 'keyMask'> {
  if (keyMask === undefined) return scope;
  checkKeyMask(keyMask);
  const [batch, keys] = keyMask.shape;
  const padding: Tensor = { ...keyMask, shape: [batch, 1, 1, keys] };
  return { ...scope, mask: scope.mask === undefined ? padding : join(scope.mask as Tensor, padding) };
}

/** @throws HeedError `SHAPE` or `DTYPE`. */
export function checkKeyMask({ dtype, shape }: Tensor, batch?: number, keys?: number): void {
  const fits = shape.length === 2 && shape[0] === (batch ?? shape[0]) && shape[1] === (keys ?? shape[1]);
  if (dtype === 'bool' && fits) return;
  throw new HeedError(
    dtype === 'bool' ? 'SHAPE' : 'DTYPE',
    `keyMask is ${dtype} [${shape.join(', ')}], expected bool [B${batch === undefined ? '' : `=${batch}`}, Lk${keys === undefined ? '' : `=${keys}`}]`,
    { clause: 'mask', remedy: 'true may be attended to; a key_padding_mask of PyTorch is its opposite' },
  );
}

/** A mask that lets through what both do, in the broadcast shape of the two. */
function join(mask: Tensor, padding: Tensor): Tensor {
  const full = [...Array<number>(4 - mask.shape.length).fill(1), ...mask.shape];
  const shape = full.map((length, axis) => Math.max(length, padding.shape[axis]));
  if (full.some((length, axis) => length !== 1 && length !== shape[axis])) {
    throw new HeedError(
      'SHAPE',
      `mask is [${mask.shape.join(', ')}], which does not broadcast with keyMask [${padding.shape[0]}, ${padding.shape[3]}]`,
      { clause: 'mask' },
    );
  }
  const [, heads, queries, keys] = shape;
  const excluded = mask.dtype === 'bool' ? 0 : -Infinity;
  const size = shape.reduce((product, length) => product * length, 1);
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
