import { nodeModule } from './node.ts';

const FLAG = '--experimental-wasm-revectorize';

/**
 * Returns whether the engine joins two vectors of 128 bits in one register of 256: Node from 24 on, on x64 with
 * AVX2, if it was started with V8's flag for it.
 */
export function joinsVectors(): boolean {
  const { process } = globalThis as {
    process?: { readonly arch?: string; readonly execArgv?: readonly string[] };
  };
  if (process?.arch !== 'x64') return false;
  return process.execArgv?.some((flag) => flag.replaceAll('_', '-') === FLAG) ?? false;
}

/** More bytes than a register has. */
const BYTES = new Uint8Array(256);

let isAscii: ((bytes: Uint8Array) => boolean) | null | undefined;

/**
 * Clears the upper halves of registers, which V8 leaves as its code has filled them: until then the older instructions of C++ code on
 * this thread have to keep them, and `Math.exp` takes 35 times as long (Intel Xeon, Node 24.21). No function clears them and does nothing
 * else; this one ends with the instruction for it, as compilers end every function that uses these registers.
 */
export function clearUpperHalves(): void {
  if (isAscii === undefined) isAscii = joinsVectors() ? (nodeModule('node:buffer')?.isAscii ?? null) : null;
  isAscii?.(BYTES);
}
