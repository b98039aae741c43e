/** Returns whether code may make functions of strings, as gpu.js does in JavaScript. A page's policy can forbid it. */
export function allowsFunctions(): boolean {
  try {
    // oxlint-disable-next-line no-new-func -- whether it may be done is the question
    return new Function('return true')() as boolean;
  } catch {
    return false;
  }
}

/** An empty module. */
const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Returns whether WebAssembly may be compiled. */
export function allowsWebAssembly(): boolean {
  try {
    return new WebAssembly.Module(MODULE) instanceof WebAssembly.Module;
  } catch {
    return false;
  }
}
