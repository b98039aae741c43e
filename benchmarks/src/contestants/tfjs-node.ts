import util from 'node:util';
import type { Contestant } from '../contestant.ts';
import { loadable } from '../loadable.ts';
import { type Tf, prepareOnTfjs } from './tfjs.ts';

/** The part of the backend that says which TensorFlow really runs. */
interface NativeBackend {
  readonly binding: { readonly TF_Version: string };
  readonly isUsingGpuDevice?: boolean;
}

/** TensorFlow's native runtime, by hand-written operations. */
const tfjsNode: Contestant = {
  name: '@tensorflow/tfjs-node',
  probe: () => loadable(['@tensorflow/tfjs-node'], load),
  async prepare(workload, request, { threads }) {
    const tf = await load();
    const native = tf.findBackend('tensorflow') as unknown as NativeBackend;
    const gpu = native.isUsingGpuDevice === true;
    const device = `TensorFlow ${native.binding.TF_Version}, ${gpu ? 'GPU' : `CPU, ${threads === 1 ? 'one thread' : `${threads} threads`}`}`;
    // The number of threads comes from the environment: TF_NUM_INTRAOP_THREADS.
    return prepareOnTfjs(tf, workload, request, { device, threads: gpu ? null : threads });
  },
};
export default tfjsNode;

async function load(): Promise<Tf> {
  // tfjs-node 4.22 calls two functions that Node 23 removed from `util`.
  const utilities = util as unknown as Record<string, unknown>;
  utilities['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  utilities['isArray'] ??= Array.isArray;
  const module = (await import('@tensorflow/tfjs-node')) as unknown as { default: Tf };
  module.default.enableProdMode();
  await module.default.setBackend('tensorflow');
  return module.default;
}
