import type { Contestant } from '../contestant.ts';
import { loadable } from '../loadable.ts';
import { type Runtime, attention23, onnxContestant } from './onnxruntime.ts';

interface Web extends Runtime {
  readonly env: { readonly wasm: { numThreads: number }; readonly versions: { readonly web: string } };
}

/** ONNX Runtime as WebAssembly, with the standard's operator. */
const onnxruntimeWeb: Contestant = onnxContestant(
  'onnxruntime-web',
  () => loadable(['onnxruntime-web'], () => import('onnxruntime-web')),
  async (threads) => {
    const ort = (await import('onnxruntime-web')) as unknown as Web;
    ort.env.wasm.numThreads = threads;
    const device = `WebAssembly SIMD, ${threads === 1 ? 'one thread' : `${threads} threads`} (ONNX Runtime ${ort.env.versions.web})`;
    return { runtime: ort, provider: 'wasm', device, threads };
  },
  attention23,
);
export default onnxruntimeWeb;
