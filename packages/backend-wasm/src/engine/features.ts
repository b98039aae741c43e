/** Instructions that an engine may lack, each used once in the smallest module that has it. */
const PROBES = {
  /** `v128.and` of two zeros. */
  simd: [0xfd, 0x4e],
  /** `f32x4.relaxed_madd`; it takes three. */
  relaxedSimd: [0xfd, 0x85, 0x02],
} as const;

/** Whether the engine has 128-bit SIMD. Without it nothing here runs. */
export function hasSimd(): boolean {
  return accepts(2, PROBES.simd);
}

/** Whether the engine has relaxed SIMD: Node from 22 on, current browsers. */
export function hasRelaxedSimd(): boolean {
  return accepts(3, PROBES.relaxedSimd);
}

/** Whether a module is valid whose one function applies an instruction to zero vectors. */
function accepts(operands: number, instruction: readonly number[]): boolean {
  if (typeof WebAssembly !== 'object') return false;
  const operand = [0x20, 0x00];
  const body = [
    1,
    1,
    0x7b,
    ...Array.from({ length: operands }, () => operand).flat(),
    ...instruction,
    0x1a,
    0x0b,
  ];
  const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const types = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00];
  const functions = [0x03, 0x02, 0x01, 0x00];
  const code = [0x0a, body.length + 2, 0x01, body.length, ...body];
  return WebAssembly.validate(Uint8Array.from([...magic, ...types, ...functions, ...code]));
}

/** Whether memory can be shared between threads: not in a page that is not cross-origin isolated. */
export function hasSharedMemory(): boolean {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  if (typeof SharedArrayBuffer === 'undefined' || crossOriginIsolated === false) return false;
  try {
    return (
      new WebAssembly.Memory({ initial: 0, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer
    );
  } catch {
    return false;
  }
}

/** Whether this thread may wait for others: not the one that a page's events run on. */
export function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
