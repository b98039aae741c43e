import { createRequire } from 'node:module';
import path from 'node:path';
import type { Contestant } from '../contestant.ts';
import { loadable } from '../loadable.ts';
import { type Tf, loadGradients, prepareOnTfjs } from './tfjs.ts';

const PACKAGES = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm'];

/** TensorFlow.js on its WebAssembly backend (XNNPACK). Its builds with threads are for browsers. */
const tfjsWasm: Contestant = {
  name: '@tensorflow/tfjs-backend-wasm',
  probe: () => loadable(PACKAGES, () => load(1)),
  async prepare(workload, request, { threads }) {
    const tf = await load(threads);
    await loadGradients(workload);
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
    const threaded = await tf.env().getAsync('WASM_HAS_MULTITHREAD_SUPPORT');
    const count = threaded ? wasm.getThreadsCount() : 1;
    const device = `WebAssembly${simd ? ' SIMD' : ''}, ${count === 1 ? 'one thread' : `${count} threads`} (XNNPACK, tfjs-core ${tf.version_core})`;
    return prepareOnTfjs(tf, workload, request, { device, threads: count });
  },
};
export default tfjsWasm;

async function load(threads: number): Promise<Tf> {
  const tf = await import('@tensorflow/tfjs-core');
  tf.enableProdMode();
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  if (tf.getBackend() !== 'wasm') {
    const main = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
    wasm.setWasmPaths(`${path.dirname(main)}${path.sep}`);
    wasm.setThreadsCount(threads);
    await tf.setBackend('wasm');
    await tf.ready();
  }
  return tf;
}
