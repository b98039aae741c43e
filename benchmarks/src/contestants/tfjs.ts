import { HeedError } from '@heed/core';
import type * as tfjs from '@tensorflow/tfjs-core';
import type { PreparedContestant, WorkloadResults } from '../contestant.ts';
import { additivePairs } from '../workload/pairs.ts';
import { type WorkloadRequest, outputGradientOf } from '../workload/request.ts';
import type { Workload } from '../workload/workload.ts';

export type Tf = typeof tfjs;

/** Registers the gradients of operations, which tfjs-core lacks by default. */
export async function loadGradients({ gradient }: Workload): Promise<void> {
  if (!gradient) return;
  try {
    await import('@tensorflow/tfjs');
  } catch (error) {
    throw new HeedError('UNAVAILABLE', 'the gradients of TensorFlow.js come with @tensorflow/tfjs', {
      cause: error,
      remedy: 'npm install @tensorflow/tfjs',
    });
  }
}

/** Attention as users of TensorFlow.js write it: matMul, softmax, matMul; with gradients by `tf.grads`. */
export function prepareOnTfjs(
  tf: Tf,
  workload: Workload,
  request: WorkloadRequest,
  about: Pick<PreparedContestant, 'device' | 'threads'>,
): PreparedContestant {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim } = workload;
  // Queries that share a key/value head become more rows of it: matMul does not broadcast heads.
  const groupRows = (heads / kvHeads) * queryLength;
  const query = tf.tensor4d(request.query.data, [batch, kvHeads, groupRows, headDim]);
  const key = tf.tensor4d(request.key.data, [batch, kvHeads, keyLength, headDim]);
  const value = tf.tensor4d(request.value.data, [batch, kvHeads, keyLength, valueDim]);
  const additive = additivePairs(workload);
  const mask = additive && tf.tensor2d(additive, [queryLength, keyLength]);

  const attend = (q: tfjs.Tensor, k: tfjs.Tensor, v: tfjs.Tensor): tfjs.Tensor => {
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(headDim));
    if (mask === null) return tf.matMul(tf.softmax(scores), v);
    const perHead = tf.reshape(scores, [batch, heads, queryLength, keyLength]);
    const weights = tf.softmax(tf.add(perHead, mask));
    return tf.matMul(tf.reshape(weights, [batch, kvHeads, groupRows, keyLength]), v);
  };
  const dOutput = workload.gradient
    ? tf.tensor(outputGradientOf(workload).data, [batch, kvHeads, groupRows, valueDim])
    : null;
  const compute = (): tfjs.Tensor[] => {
    if (dOutput === null) return [attend(query, key, value)];
    const { value: output, grads } = tf.valueAndGrads(attend as never)([query, key, value], dOutput);
    return [output, ...grads];
  };

  const shapes = [
    [batch, heads, queryLength, valueDim],
    [batch, heads, queryLength, headDim],
    [batch, kvHeads, keyLength, headDim],
    [batch, kvHeads, keyLength, valueDim],
  ];
  let data: Float32Array[] = [];
  return {
    ...about,
    async run() {
      const tensors = tf.tidy(compute);
      data = await Promise.all(tensors.map((tensor) => tensor.data() as Promise<Float32Array>));
      tf.dispose(tensors);
    },
    async results() {
      const [output, dQuery, dKey, dValue] = data.map((numbers, at) => ({
        dtype: 'float32' as const,
        shape: shapes[at]!,
        data: numbers,
      }));
      return { output, ...(dQuery && { dQuery, dKey, dValue }) } as WorkloadResults;
    },
    async dispose() {
      tf.dispose([query, key, value, ...(mask ? [mask] : []), ...(dOutput ? [dOutput] : [])]);
    },
  };
}
