import { type Block, type Code, type Variable, i32, int, memoryCopy, select, when } from '@heed/core/wasm';
import { type Context, maximum, minimum, place } from './context.ts';

/*
 * A ring holds the last keys before a length. Kernels number them from the oldest on, in the order of their positions, so
 * that tiles, splits, visible keys and the first among equals are as elsewhere; rows of keys and columns of masks, biases,
 * segments and weights are found where they lie.
 */

/** Sets `base` and `shift` of the item's element of the batch. */
export function openRing({ variant, frame, item }: Context): Block {
  if (!variant.ring) return [];
  const length = i32.load(place(frame.integer('keyLengths'), item.batch, 4));
  const capacity = frame.integer('keyLength');
  return [
    item.base.set(i32.sub(length, capacity)),
    item.base.set(maximum(item.base, int(0))),
    // A ring may have no rows at all.
    item.shift.set(i32.remU(item.base, maximum(capacity, int(1)))),
  ];
}

/** Sets a variable from a key to the column where it lies. */
export function toColumn({ variant, frame, item }: Context, key: Variable<'i32'>): Block {
  if (!variant.ring) return [];
  const keyLength = frame.integer('keyLength');
  return [
    key.set(i32.add(key, item.shift)),
    key.set(i32.sub(key, select(keyLength, int(0), i32.geS(key, keyLength)))),
  ];
}

/** Bytes between columns, as a shift or a factor. */
type Size = (columns: Code<'i32'>) => Code<'i32'>;

interface Columns {
  readonly row: Variable<'i32'>;
  readonly to: Code<'i32'>;
  /** A variable to use. */
  readonly count: Variable<'i32'>;
  readonly size: Size;
}

/** Copies the entries of `tileKeys` keys from key `tile` on, as far as there are keys, from a row of columns. */
export function copyColumns(
  { tiling, frame, item }: Context,
  tile: Code<'i32'>,
  { row, to, count, size }: Columns,
): Block {
  const keyLength = frame.integer('keyLength');
  const keys = i32.sub(keyLength, tile);
  const first = i32.add(item.shift, tile);
  /** Number of entries before the row begins anew. */
  const straight = i32.sub(keyLength, first);
  const wanted = minimum(keys, int(tiling.tileKeys));
  return [
    count.set(wanted),
    when(
      i32.geS(first, keyLength),
      memoryCopy(to, i32.add(row, size(i32.sub(first, keyLength))), size(count)),
      [
        count.set(minimum(count, straight)),
        memoryCopy(to, i32.add(row, size(first)), size(count)),
        when(i32.ltS(count, wanted), memoryCopy(i32.add(to, size(count)), row, size(i32.sub(wanted, count)))),
      ],
    ),
  ];
}
