/**
 * The inner loop of a matrix product as WebAssembly, with 128-bit vectors: a few hundred bytes, written out here since a
 * compiler would be a build step for one loop.
 *
 * `tile(a, b, c, end)`, all in bytes: C += A B for four rows of A, up to `end` of the first, and two vectors of columns
 * of B, packed side by side. Eight vectors of C, two of B and one of A stay in registers; a step of k is six loads for eight multiplications.
 */

/** What the two precisions differ in: opcodes after 0xfd of the SIMD proposal, and bytes of an element. */
export interface Lanes {
  readonly bytes: 4 | 8;
  readonly splat: number;
  readonly multiply: number;
  readonly add: number;
}

export const FLOAT32: Lanes = { bytes: 4, splat: 0x09, multiply: 0xe6, add: 0xe4 };
export const FLOAT64: Lanes = { bytes: 8, splat: 0x0a, multiply: 0xf2, add: 0xf0 };

export const TILE_ROWS = 4;

const I32 = 0x7f;
const V128 = 0x7b;
const [A, B, C, END] = [0, 1, 2, 3];
const SUMS = 4;
const [B0, B1, A0] = [12, 13, 14];

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const advance = (local: number, bytes: number): number[] => [
  ...get(local),
  0x41,
  ...signed(bytes),
  0x6a,
  ...set(local),
];
const vector = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
/** Alignment is a hint, and left at one byte. */
const load = (opcode: number, offset: number): number[] => [...vector(opcode), 0, ...unsigned(offset)];
const LOAD = 0x00;
const STORE = 0x0b;

/**
 * @param aRowBytes from one row of A to the next.
 * @param cRowBytes from one row of C to the next.
 */
export function tileModule(lanes: Lanes, aRowBytes: number, cRowBytes: number): Uint8Array<ArrayBuffer> {
  const step = [
    ...[...get(B), ...load(LOAD, 0), ...set(B0)],
    ...[...get(B), ...load(LOAD, 16), ...set(B1)],
    ...rowsOf((row) => [
      ...[...get(A), ...load(lanes.splat, row * aRowBytes), ...set(A0)],
      ...[B0, B1].flatMap((b, n) => {
        const sum = SUMS + 2 * row + n;
        return [
          ...get(sum),
          ...get(A0),
          ...get(b),
          ...vector(lanes.multiply),
          ...vector(lanes.add),
          ...set(sum),
        ];
      }),
    ]),
    ...[...advance(A, lanes.bytes), ...advance(B, 32)],
  ];
  const loop = [0x03, 0x40, ...step, ...get(A), ...get(END), 0x49, 0x0d, 0x00, 0x0b];
  const results = rowsOf((row) =>
    [0, 1].flatMap((n) => {
      const offset = row * cRowBytes + 16 * n;
      const before = [...get(C), ...load(LOAD, offset)];
      return [...get(C), ...before, ...get(SUMS + 2 * row + n), ...vector(lanes.add), ...load(STORE, offset)];
    }),
  );
  const body = [...unsigned(1), ...unsigned(11), V128, ...loop, ...results, 0x0b];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 4, I32, I32, I32, I32, 0]),
    ...section(2, [1, ...text('env'), ...text('memory'), 0x02, 0x00, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text('tile'), 0x00, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ]);
}

function rowsOf(code: (row: number) => number[]): number[] {
  return Array.from({ length: TILE_ROWS }, (_, row) => code(row)).flat();
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function text(value: string): number[] {
  return [value.length, ...new TextEncoder().encode(value)];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)];
}
