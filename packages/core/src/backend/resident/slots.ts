import { HeedError } from '../../error.ts';
import { checkOptions } from '../../options/check-options.ts';
import { oneOf } from '../../options/kinds.ts';
import { type SlotPosition, type Tensor, checkTensor, sizeOf, zeros } from '../../tensor.ts';
import { toTensor } from '../../tensor-like.ts';
import type { DeviceMemory, NativeTensor } from '../memory.ts';

/** Rows for places of a tensor that is seen as `[places, row length]`. */
export interface ScatteredRows {
  /** The shape of the tensor, as rows. */
  readonly shape: readonly [places: number, length: number];
  /** `[n, row length]` */
  readonly rows: Tensor;
  /** The place of each row: no place twice. */
  readonly places: readonly number[];
}

function refuse(code: 'SHAPE' | 'DTYPE' | 'ARGUMENT', message: string, remedy: string): never {
  throw new HeedError(code, message, { clause: 'resident', remedy });
}

/**
 * Checks the slots of new rows, and puts the rows that are written one after another.
 *
 * @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`.
 */
export function checkSlots(pool: NativeTensor, part: Tensor, options: SlotPosition): ScatteredRows {
  checkOptions('write()', options, { slots: true, layout: oneOf('bhld', 'blhd') });
  const isBhld = (options.layout ?? 'bhld') === 'bhld';
  if (part.dtype !== pool.dtype) {
    refuse(
      'DTYPE',
      `part is ${part.dtype}; expected ${pool.dtype}, as the pool`,
      `give rows of ${pool.dtype}`,
    );
  }
  const [batch, heads, length, depth] = axesOf('part', part.shape, isBhld);
  const [pages, poolHeads, size, poolDepth] = axesOf('the pool', pool.shape, isBhld);
  if (heads !== poolHeads || depth !== poolDepth) {
    refuse(
      'SHAPE',
      `part is [${part.shape.join(', ')}], the pool [${pool.shape.join(', ')}]; expected the same heads and row length`,
      `give rows of ${poolHeads} heads of ${poolDepth}, and check the layout`,
    );
  }
  const slots = slotsOf(options.slots, [batch, length], pages * size);

  // A row of layout `blhd` has all heads.
  const parts = isBhld ? heads : 1;
  const rowLength = isBhld ? depth : heads * depth;
  const from: number[] = [];
  const places: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < parts; h++) {
      for (let l = 0; l < length; l++) {
        const slot = slots[b * length + l]!;
        if (slot === -1) continue;
        from.push((b * parts + h) * length + l);
        places.push((Math.floor(slot / size) * parts + h) * size + (slot % size));
      }
    }
  }
  const rows = zeros(part.dtype, [places.length, rowLength]);
  from.forEach((row, n) => {
    rows.data.set(part.data.subarray(row * rowLength, (row + 1) * rowLength), n * rowLength);
  });
  return { shape: [sizeOf(pool.shape) / rowLength, rowLength], rows, places };
}

function axesOf(
  name: string,
  shape: readonly number[],
  isBhld: boolean,
): readonly [number, number, number, number] {
  if (shape.length !== 4 || shape[3] === 0) {
    const letters = isBhld ? '[…, Hkv, …, D]' : '[…, …, Hkv, D]';
    refuse('SHAPE', `${name} is [${shape.join(', ')}]; expected ${letters}`, 'give four axes');
  }
  const [first, second, third, depth] = shape as [number, number, number, number];
  return isBhld ? [first, second, third, depth] : [first, third, second, depth];
}

function slotsOf(given: SlotPosition['slots'], shape: readonly [number, number], end: number): Int32Array {
  const slots = toTensor('slots', given, 'int32');
  checkTensor('slots', slots);
  if (slots.dtype !== 'int32') {
    refuse('DTYPE', `slots are ${slots.dtype}; expected int32`, 'give page · size + row of each new row');
  }
  if (slots.shape.join() !== shape.join()) {
    const [batch, length] = shape;
    refuse(
      'SHAPE',
      `slots are [${slots.shape.join(', ')}]; expected [B=${batch}, L=${length}]`,
      'give a slot for each new row, −1 where nothing is written',
    );
  }
  const numbers = slots.data as Int32Array;
  const seen = new Set<number>();
  for (const slot of numbers) {
    if (slot < -1 || slot >= end) {
      refuse(
        'ARGUMENT',
        `slots have ${slot}; expected −1 or 0 to ${end - 1}`,
        'give page · size + row, within the pool',
      );
    }
    if (slot !== -1 && seen.has(slot)) {
      refuse('ARGUMENT', `slots have ${slot} twice`, 'give each new row a slot of its own, or −1');
    }
    seen.add(slot);
  }
  return numbers;
}

/** Writes rows to their places: by the engine's own function, else those that are one after another in one write. */
export async function writeRows<N extends NativeTensor>(
  memory: DeviceMemory<N>,
  native: N,
  { rows, places, shape }: ScatteredRows,
): Promise<N> {
  if (places.length === 0) return native;
  if (memory.scatter !== undefined) return memory.scatter(native, rows, places);
  let written = native;
  for (let n = 0; n < places.length;) {
    let count = 1;
    while (n + count < places.length && places[n + count] === places[n]! + count) count++;
    const data = rows.data.subarray(n * shape[1], (n + count) * shape[1]);
    const part = { dtype: rows.dtype, shape: [count, shape[1]], data } as Tensor;
    written = await memory.write(written, part, { axis: 0, start: places[n]! });
    n += count;
  }
  return written;
}
