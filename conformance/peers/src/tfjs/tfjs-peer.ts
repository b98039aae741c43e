import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import type * as tfjs from '@tensorflow/tfjs-core';
import { importable } from '../onnx/runtime.ts';
import { type Peer, definePeer } from '../peer.ts';

/** Attention as users of TensorFlow.js write it, since the library has no operation for it. */
export function tfjsPeer(backend: 'cpu' | 'wasm', load: () => Promise<unknown>): Peer {
  const start = async (): Promise<typeof tfjs> => {
    const tf = await import('@tensorflow/tfjs-core');
    await load();
    await tf.setBackend(backend);
    return tf;
  };
  return definePeer({
    name: `tfjs-${backend}`,
    library: 'TensorFlow.js',
    operation: `matMul, softmax, matMul (${backend})`,
    documentation: 'https://js.tensorflow.org/api/latest/',
    capabilities: { dtypes: ['float32'], features: ['valueDim', 'mask.float', 'weights'], guarantees: [] },
    probe: () => importable(`@tensorflow/tfjs-backend-${backend}`, start),
    async open() {
      const tf = await start();
      return {
        version: tf.version_core,
        attend: (problem, inputs) => attend(tf, problem, inputs),
        close: async () => undefined,
      };
    },
  });
}

async function attend(
  tf: typeof tfjs,
  { scale, outputs }: AttentionProblem,
  inputs: AttentionInputs<Tensor>,
): Promise<Record<string, Tensor>> {
  const [query, key, value, mask] = [inputs.query, inputs.key, inputs.value, inputs.mask].map(
    (tensor) => tensor && tf.tensor(tensor.data, [...tensor.shape]),
  );
  const { output, weights } = tf.tidy(() => {
    const scores = tf.mul(tf.matMul(query!, key!, false, true), scale);
    const softmax = tf.softmax(mask ? tf.add(scores, mask) : scores);
    return { weights: softmax, output: tf.matMul(softmax, value!) };
  });
  const read = async (tensor: tfjs.Tensor): Promise<Tensor> => ({
    dtype: 'float32',
    shape: tensor.shape,
    data: (await tensor.data()) as Float32Array,
  });
  try {
    const named = { output, weights } as Record<string, tfjs.Tensor>;
    const results: Record<string, Tensor> = {};
    for (const name of outputs) results[name] = await read(named[name]!);
    return results;
  } finally {
    tf.dispose([query, key, value, mask, output, weights].filter((tensor) => tensor !== undefined));
  }
}
