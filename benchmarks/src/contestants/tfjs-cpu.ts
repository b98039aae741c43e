import type * as tfjs from '@tensorflow/tfjs-core';
import type { Contestant, PreparedContestant } from '../contestant.ts';
import { loadable } from '../loadable.ts';
import { type Workload, type WorkloadRequest, attendedKeys } from '../workload.ts';

type Tf = typeof tfjs;

/** TensorFlow.js on its pure JavaScript backend: matMul, softmax, matMul, as its users write attention. */
export const tfjsCpu: Contestant = {
  name: '@tensorflow/tfjs-backend-cpu',
  probe: () => loadable(['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu'], load),
  prepare: async (workload, request) => prepare(await load(), workload, request),
};

async function load(): Promise<Tf> {
  const tf = await import('@tensorflow/tfjs-core');
  // As its users ship it; also without the advertisement on the terminal.
  tf.enableProdMode();
  // Importing it registers the backend `cpu` with tfjs-core.
  await import('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  return tf;
}

function prepare(tf: Tf, workload: Workload, request: WorkloadRequest): PreparedContestant {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim } = workload;
  // Queries that share a key/value head become more rows of it: matMul does not broadcast heads.
  const groupRows = (heads / kvHeads) * queryLength;
  const query = tf.tensor4d(request.query.data, [batch, kvHeads, groupRows, headDim]);
  const key = tf.tensor4d(request.key.data, [batch, kvHeads, keyLength, headDim]);
  const value = tf.tensor4d(request.value.data, [batch, kvHeads, keyLength, valueDim]);
  const mask = workload.causal || workload.window ? additiveMask(tf, workload) : null;

  const attend = (): tfjs.Tensor => {
    const scores = tf.mul(tf.matMul(query, key, false, true), 1 / Math.sqrt(headDim));
    if (mask === null) return tf.matMul(tf.softmax(scores), value);
    const perHead = tf.reshape(scores, [batch, heads, queryLength, keyLength]);
    const weights = tf.softmax(tf.add(perHead, mask));
    return tf.matMul(tf.reshape(weights, [batch, kvHeads, groupRows, keyLength]), value);
  };

  return {
    device: `JavaScript, 1 thread (tfjs-core ${tf.version_core})`,
    threads: 1,
    async run() {
      const output = tf.tidy(attend);
      const data = (await output.data()) as Float32Array;
      output.dispose();
      return { dtype: 'float32', shape: [batch, heads, queryLength, valueDim], data };
    },
    async dispose() {
      tf.dispose([query, key, value, ...(mask ? [mask] : [])]);
    },
  };
}

/** 0 where a query may attend, a large negative number elsewhere: TensorFlow.js has no other mask. */
function additiveMask(tf: Tf, workload: Workload): tfjs.Tensor2D {
  const { queryLength, keyLength } = workload;
  const data = new Float32Array(queryLength * keyLength).fill(-1e9);
  for (let i = 0; i < queryLength; i++) {
    const { first, end } = attendedKeys(workload, i);
    data.fill(0, i * keyLength + first, i * keyLength + end);
  }
  return tf.tensor2d(data, [queryLength, keyLength]);
}
