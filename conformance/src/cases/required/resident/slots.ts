import { type AttentionBackend, type HeedErrorCode, type Tensor, resolveRequest, tensor } from '@heed/core';
import type { ConformanceCase } from '../../../case.ts';
import { requestOf } from '../../../sketch.ts';
import { ensureAgrees } from '../../building/agree.ts';
import { behavior, ensureError } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';

function counting(shape: readonly number[], first: number): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, n) => first + n),
    shape,
  );
}

/** Pages of three rows for two heads, and rows of two sequences: some neighbors, some alone, one not written. */
const SLOTS = [
  [7, 8, 0, 13],
  [-1, 4, 5, 3],
];

/** Element by element what a write to slots leaves. */
function written(pool: Tensor, part: Tensor, slots: readonly (readonly number[])[], isBhld: boolean): Tensor {
  const data = pool.data.slice();
  const depth = part.shape[3]!;
  const [heads, length] = isBhld ? [part.shape[1]!, part.shape[2]!] : [part.shape[2]!, part.shape[1]!];
  const size = isBhld ? pool.shape[2]! : pool.shape[1]!;
  const at = (first: number, h: number, row: number, rows: number): number =>
    (isBhld ? (first * heads + h) * rows + row : (first * rows + row) * heads + h) * depth;
  slots.forEach((list, b) =>
    list.forEach((slot, l) => {
      if (slot === -1) return;
      for (let h = 0; h < heads; h++) {
        for (let d = 0; d < depth; d++) {
          data[at(Math.floor(slot / size), h, slot % size, size) + d] = part.data[at(b, h, l, length) + d]!;
        }
      }
    }),
  );
  return { ...pool, data } as Tensor;
}

async function ensureWritten(backend: AttentionBackend, layout: 'bhld' | 'blhd'): Promise<void> {
  const isBhld = layout === 'bhld';
  const before = counting(isBhld ? [5, 2, 3, 4] : [5, 3, 2, 4], 0);
  const part = counting(isBhld ? [2, 2, 4, 4] : [2, 4, 2, 4], 1000);
  const pool = await backend.upload(before);
  await pool.write(part, { slots: SLOTS, layout });
  ensureSameBits(
    { pool: await pool.read() },
    { pool: written(before, part, SLOTS, isBhld) },
    'after a write',
  );
  await pool.write(part, { slots: SLOTS.map((list) => list.map(() => -1)), layout });
  ensureSameBits(
    { pool: await pool.read() },
    { pool: written(before, part, SLOTS, isBhld) },
    'after a write to no slot',
  );
  pool.dispose();
}

export function residentSlotCases(): ConformanceCase[] {
  const refused: Record<string, readonly [HeedErrorCode, Tensor, object]> = {
    'past-the-pool': ['ARGUMENT', counting([1, 2, 1, 4], 0), { slots: [[15]] }],
    'below-minus-1': ['ARGUMENT', counting([1, 2, 1, 4], 0), { slots: [[-2]] }],
    twice: ['ARGUMENT', counting([2, 2, 1, 4], 0), { slots: [[3], [3]] }],
    'too-few': ['SHAPE', counting([2, 2, 1, 4], 0), { slots: [[3]] }],
    'other-heads': ['SHAPE', counting([1, 3, 1, 4], 0), { slots: [[3]] }],
    'other-row-length': ['SHAPE', counting([1, 2, 1, 3], 0), { slots: [[3]] }],
    'rank-3': ['SHAPE', counting([2, 1, 4], 0), { slots: [[3]] }],
    'other-type': ['DTYPE', tensor(new Int32Array(8), [1, 2, 1, 4]) as Tensor, { slots: [[3]] }],
    floats: ['DTYPE', counting([1, 2, 1, 4], 0), { slots: counting([1, 1], 3) }],
    'with-an-axis': ['UNKNOWN_OPTION', counting([1, 2, 1, 4], 0), { slots: [[3]], axis: 0 }],
    'unknown-layout': ['ARGUMENT', counting([1, 2, 1, 4], 0), { slots: [[3]], layout: 'hbld' }],
  };
  return [
    ...(['bhld', 'blhd'] as const).map((layout) =>
      behavior('resident', `slots/${layout}`, [], ({ backend }) => ensureWritten(backend, layout)),
    ),
    behavior('resident', 'slots/in-turn', [], async ({ backend }) => {
      const pool = await backend.allocate('float32', [2, 1, 2, 1]);
      const before = pool.hold();
      // Not awaited: they take effect in the order of their calls.
      const writes = [
        pool.write(counting([1, 1, 2, 1], 1), { slots: [[1, 2]] }),
        pool.write(counting([1, 1, 1, 1], 7), { slots: [[2]] }),
      ];
      ensureSameBits({ pool: await before.read() }, { pool: zerosOf([2, 1, 2, 1]) }, 'held before');
      before.dispose();
      await Promise.all(writes);
      const expected = tensor(Float32Array.from([0, 1, 7, 0]), [2, 1, 2, 1]) as Tensor;
      ensureSameBits({ pool: await pool.read() }, { pool: expected }, 'after two writes');
      // Through a view the same memory is written.
      const view = pool.view([1, 1, 4, 1]);
      await view.write(counting([1, 1, 1, 1], 5), { slots: [[0]] });
      ensureSameBits(
        { pool: await pool.read() },
        { pool: tensor(Float32Array.from([5, 1, 7, 0]), [2, 1, 2, 1]) as Tensor },
        'after a write to a view',
      );
      view.dispose();
      pool.dispose();
    }),
    ...Object.entries(refused).map(([name, [code, part, at]]) =>
      behavior('resident', `slots-refused/${name}`, [], async ({ backend }) => {
        const before = counting([5, 2, 3, 4], 0);
        const pool = await backend.upload(before);
        await ensureError(() => pool.write(part, at as never), code, `slots ${name}`);
        ensureSameBits({ pool: await pool.read() }, { pool: before }, 'after a write that was refused');
        pool.dispose();
      }),
    ),
    behavior('resident', 'slots/decoding', ['pages', 'lengths.key'], async ({ backend }, id) => {
      const sketch = { pages: { size: 4 }, queryLength: 1, keyLength: 12, keyLengths: [9, 6] };
      const request = requestOf(sketch, id);
      const key = await backend.upload(request.key);
      const value = await backend.upload(request.value);
      const table = request.blockTable!.data;
      const slots = [4 * table[2]!, 4 * table[4]! + 1].map((slot) => [slot]);
      const rows = counting([2, 2, 1, 8], -7);
      await key.write(rows, { slots });
      await value.write(rows, { slots });
      const { problem, inputs } = resolveRequest({ ...request, key, value } as never);
      await using kernel = await backend.compile(problem);
      const after = {
        ...request,
        key: written(request.key, rows, slots, true),
        value: written(request.value, rows, slots, true),
      };
      ensureAgrees(after, await kernel.run(inputs), 'after new rows were written into their slots');
      key.dispose();
      value.dispose();
    }),
  ];
}

function zerosOf(shape: readonly number[]): Tensor {
  return tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
}
