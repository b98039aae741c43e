// Contestants in a page, all on WebGPU and the same adapter. `open(request)` uploads the inputs and returns `run()`, which resolves to the
// output on the host, `read(result)`, which gives it as rows [H, L, D], and `close()`. The layouts of libraries are made outside of `run()`.
import * as jax from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgpu';
import gpujs from '../../../packages/backend-gpujs/dist/index.js';
import ts from '../../../packages/backend-ts/dist/index.js';
import webgpu from '../../../packages/backend-webgpu/dist/index.js';
import { attention } from '../../../packages/core/dist/index.js';

/** Exchanges heads and rows of [a, b, D]. */
function exchanged(data, a, b, depth) {
  const result = new Float32Array(data.length);
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      const from = (i * b + j) * depth;
      result.set(data.subarray(from, from + depth), (j * a + i) * depth);
    }
  }
  return result;
}

const same = (data) => data;

function heed(provider, options) {
  return async ({ query, key, value, causal }) => {
    const backend = await provider.create(options);
    const inputs = {
      query: await backend.upload(query),
      key: await backend.upload(key),
      value: await backend.upload(value),
      ...(causal && { causal: true }),
    };
    return {
      device: backend.device,
      run: async () => (await attention(backend, inputs)).output.data,
      read: same,
      close: () => backend.dispose(),
    };
  };
}

/** TensorFlow.js has no attention: products, softmax and products. */
async function tensorflow({ query, key, value, causal }) {
  await tf.setBackend('webgpu');
  await tf.ready();
  const [q, k, v] = [query, key, value].map(({ data, shape }) => tf.tensor(data, shape));
  const [length, keys] = [query.shape[2], key.shape[2]];
  const mask =
    causal &&
    tf.tensor(
      Float32Array.from({ length: length * keys }, (_, n) => (n % keys > Math.floor(n / keys) ? -1e9 : 0)),
      [1, 1, length, keys],
    );
  return {
    device: `tfjs-backend-webgpu ${tf.version_core}`,
    async run() {
      const output = tf.tidy(() => {
        const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(query.shape[3]));
        return tf.matMul(tf.softmax(mask ? tf.add(scores, mask) : scores), v);
      });
      const data = await output.data();
      output.dispose();
      return data;
    },
    read: same,
    close: async () => tf.dispose([q, k, v, ...(mask ? [mask] : [])]),
  };
}

async function jaxJs({ query, key, value, causal }) {
  const devices = await jax.init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js has no WebGPU here');
  jax.defaultDevice('webgpu');
  const rows = ({ data, shape: [, heads, length, depth] }) =>
    jax.numpy.array(exchanged(data, heads, length, depth), { shape: [1, length, heads, depth] });
  const [q, k, v] = [query, key, value].map(rows);
  const attend = jax.jit((a, b, c) => jax.nn.dotProductAttention(a, b, c, { isCausal: causal }));
  const [, heads, length, depth] = query.shape;
  return {
    device: 'jax-js',
    run: () => attend(q.ref, k.ref, v.ref).data(),
    read: (data) => exchanged(data, length, heads, depth),
    close: async () => [q, k, v].forEach((array) => array.dispose()),
  };
}

/** ONNX Runtime's MultiHeadAttention; inputs are [1, L, H · D]. */
async function onnxruntime({ query, key, value, model }) {
  const ort = await import(/* @vite-ignore */ `${location.origin}/ort/ort.webgpu.bundle.min.mjs`);
  ort.env.wasm.wasmPaths = '/ort/';
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const bytes = Uint8Array.from(atob(model), (letter) => letter.charCodeAt(0));
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['webgpu'],
    logSeverityLevel: 3,
  });
  const device = await ort.env.webgpu.device;
  const tensors = Object.entries({ Q: query, K: key, V: value }).map(([name, { data, shape }]) => {
    const [, heads, length, depth] = shape;
    const buffer = device.createBuffer({ size: 4 * data.length, usage: 0x80 | 0x04 | 0x08 });
    device.queue.writeBuffer(buffer, 0, exchanged(data, heads, length, depth));
    return [
      name,
      ort.Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims: [1, length, heads * depth] }),
      buffer,
    ];
  });
  const feeds = Object.fromEntries(tensors);
  const [, heads, length, depth] = query.shape;
  return {
    device: `onnxruntime-web ${ort.env.versions.web}`,
    run: async () => (await session.run(feeds)).Y.data,
    read: (data) => exchanged(data, length, heads, depth),
    async close() {
      await session.release();
      for (const [, , buffer] of tensors) buffer.destroy();
    },
  };
}

export const contestants = {
  'heed webgpu': heed(webgpu, {}),
  'heed webgpu without subgroups': heed(webgpu, { subgroups: false }),
  'onnxruntime-web': onnxruntime,
  'jax-js': jaxJs,
  'tfjs-backend-webgpu': tensorflow,
  'gpu.js (heed gpujs)': heed(gpujs, { mode: 'webgpu' }),
};

/** The output to compare with, from plain TypeScript. */
export async function expectedOf(request) {
  const { run, close } = await heed(ts, {})(request);
  const data = await run();
  await close();
  return data;
}
