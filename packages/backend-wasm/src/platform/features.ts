import { type Block, ModuleBuilder, drop, f32x4, v128, type Variable } from '@heed/core/wasm';

/** Returns whether the engine has 128-bit SIMD. Without it nothing here runs. */
export function hasSimd(): boolean {
  return accepts((x) => drop(v128.and(x, x)));
}

/** Returns whether the engine has relaxed SIMD: Node from 22 on, current browsers. */
export function hasRelaxedSimd(): boolean {
  return accepts((x) => drop(f32x4.relaxedMadd(x, x, x)));
}

/** Returns whether the smallest module with an instruction, applied to a vector, is valid. */
function accepts(instruction: (x: Variable<'v128'>) => Block): boolean {
  if (typeof WebAssembly !== 'object') return false;
  const module = new ModuleBuilder();
  module.function({ parameters: [] }, (body) => instruction(body.local('v128')));
  return WebAssembly.validate(module.build('none'));
}

/** Returns whether memory can be shared between threads: not in a page that is not cross-origin isolated. */
export function hasSharedMemory(): boolean {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  if (typeof SharedArrayBuffer === 'undefined' || typeof Atomics === 'undefined') return false;
  if (crossOriginIsolated === false) return false;
  try {
    return (
      new WebAssembly.Memory({ initial: 0, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer
    );
  } catch (error) {
    // It can be shared, but there is no room for it, which the caller that makes the memory reports.
    return error instanceof RangeError;
  }
}

/** Returns why the engine does not compile a valid module; null if it does. A page's policy can forbid it. */
export async function refusal(): Promise<string | null> {
  const module = new ModuleBuilder();
  try {
    await WebAssembly.compile(module.build('none'));
    return null;
  } catch (error) {
    return String(error);
  }
}

/** Returns whether this thread may wait for others: not the one that a page's events run on. */
export function mayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}
