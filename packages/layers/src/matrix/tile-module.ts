import { type FloatVector, ModuleBuilder, f32x4, f64x2, i32, int, repeatWhile, v128 } from '@heed/core/wasm';

/** Differences between the two precisions. */
export interface Lanes {
  readonly bytes: 4 | 8;
  readonly vector: Pick<FloatVector<'f32' | 'f64'>, 'loadSplat' | 'mul' | 'add'>;
}

export const FLOAT32: Lanes = { bytes: 4, vector: f32x4 };
export const FLOAT64: Lanes = { bytes: 8, vector: f64x2 };

export const TILE_ROWS = 4;

/**
 * The inner loop of a matrix product as WebAssembly, with 128-bit vectors.
 *
 * `tile(a, b, c, end)`, all in bytes: C += A B for four rows of A, up to `end` of the first, and two vectors of columns
 * of B, packed side by side. Eight vectors of C, two of B and one of A stay in registers; a step of k is six loads for
 * eight multiplications.
 *
 * @param aRowBytes from one row of A to the next.
 * @param cRowBytes from one row of C to the next.
 */
export function tileModule(
  { bytes, vector }: Lanes,
  aRowBytes: number,
  cRowBytes: number,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder();
  module.function({ parameters: ['i32', 'i32', 'i32', 'i32'], name: 'tile' }, (body, a, b, c, end) => {
    const rows = Array.from({ length: TILE_ROWS }, () => body.locals('v128', 2));
    const [left, right, broadcast] = body.locals('v128', 3);
    return [
      repeatWhile(i32.ltU(a, end), [
        left.set(v128.load(b)),
        right.set(v128.load(b, 16)),
        rows.map(([first, second], row) => [
          broadcast.set(vector.loadSplat(a, row * aRowBytes)),
          first.set(vector.add(first, vector.mul(broadcast, left))),
          second.set(vector.add(second, vector.mul(broadcast, right))),
        ]),
        a.set(i32.add(a, int(bytes))),
        b.set(i32.add(b, int(32))),
      ]),
      rows.map((sums, row) =>
        sums.map((sum, n) => {
          const at = row * cRowBytes + 16 * n;
          return v128.store(c, vector.add(v128.load(c, at), sum), at);
        }),
      ),
    ];
  });
  return module.build('unshared');
}
