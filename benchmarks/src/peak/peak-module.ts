/** A WebAssembly module made by hand, byte by byte: what it computes fits in registers, so that nothing else counts. */

/** Sums that are computed side by side: more than the latency of a multiply-add times the number of units. */
const ACCUMULATORS = 12;
const LANES = 4;

/** Floating-point operations of one turn of the loop: a multiplication and an addition in each lane of each sum. */
export const FLOPS_PER_ITERATION: number = ACCUMULATORS * LANES * 2;

const I32 = 0x7f;
const F32 = 0x7d;
const V128 = 0x7b;

/** Opcodes after the SIMD prefix. */
const F32X4_SPLAT = 0x13;
const F32X4_EXTRACT_LANE = 0x1f;
const F32X4_ADD = 0xe4;
const F32X4_MUL = 0xe6;
const F32X4_RELAXED_MADD = 0x105;

/**
 * Exports `run(iterations: i32) → f32`: acc ← acc · 0.5 + 1 for each of twelve vectors of four float32, which tends
 * to 2 and never to anything that is slow to compute with.
 *
 * @param relaxed as one fused multiply-add (relaxed SIMD), or as a multiplication and an addition.
 */
export function peakModule(relaxed: boolean): Uint8Array<ArrayBuffer> {
  const [iterations, factor, summand, first] = [0, 1, 2, 3];
  const step = (accumulator: number): number[] => {
    const operands = [...get(accumulator), ...get(factor)];
    const multiplied = relaxed
      ? [...operands, ...get(summand), ...simd(F32X4_RELAXED_MADD)]
      : [...operands, ...simd(F32X4_MUL), ...get(summand), ...simd(F32X4_ADD)];
    return [...multiplied, ...set(accumulator)];
  };
  const accumulators = Array.from({ length: ACCUMULATORS }, (_, index) => first + index);
  const loop = [
    ...[0x03, 0x40], // loop
    ...accumulators.flatMap(step),
    ...get(iterations),
    ...[0x41, 1, 0x6b, 0x22, iterations], // i32.const 1, i32.sub, local.tee
    ...[0x0d, 0, 0x0b], // br_if 0, end
  ];
  const total = accumulators.flatMap((accumulator, index) => [
    ...get(accumulator),
    ...(index === 0 ? [] : simd(F32X4_ADD)),
  ]);
  const body = [
    ...[...f32Const(0.5), ...simd(F32X4_SPLAT), ...set(factor)],
    ...[...f32Const(1), ...simd(F32X4_SPLAT), ...set(summand)],
    ...loop,
    ...total,
    ...[...simd(F32X4_EXTRACT_LANE), 0, 0x0b],
  ];
  const code = [1, ACCUMULATORS + 2, V128, ...body]; // one group of locals: all the vectors
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 1, F32]), // type: i32 → f32
    ...section(3, [1, 0]),
    ...section(7, [1, 3, ...new TextEncoder().encode('run'), 0x00, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];
const f32Const = (value: number): number[] => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];

/** An unsigned integer as LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}
