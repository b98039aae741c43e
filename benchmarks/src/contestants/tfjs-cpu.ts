import type { Contestant } from '../contestant.ts';
import { loadable } from '../loadable.ts';
import { type Tf, loadGradients, prepareOnTfjs } from './tfjs.ts';

/** TensorFlow.js on its pure JavaScript backend. */
const tfjsCpu: Contestant = {
  name: '@tensorflow/tfjs-backend-cpu',
  probe: () => loadable(['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu'], load),
  async prepare(workload, request) {
    const tf = await load();
    await loadGradients(workload);
    const device = `JavaScript, one thread (tfjs-core ${tf.version_core})`;
    return prepareOnTfjs(tf, workload, request, { device, threads: 1 });
  },
};
export default tfjsCpu;

async function load(): Promise<Tf> {
  const tf = await import('@tensorflow/tfjs-core');
  // Production mode, as its users ship it; this also silences the advertisement on the terminal.
  tf.enableProdMode();
  // Importing it registers the backend `cpu` with tfjs-core.
  await import('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  return tf;
}
