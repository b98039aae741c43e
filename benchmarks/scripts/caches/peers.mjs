// The same decoding step in other libraries: each returns a function of one step, or null where it is not there.
import { fileURLToPath } from 'node:url';
import { onnxModel, startLineProcess } from '@heed/peers';

const SERVER = fileURLToPath(new URL('../../python/attention_server.py', import.meta.url));

/**
 * ONNX Runtime's GroupQueryAttention: the step also writes the row of the new key and value, in place, as its present is given the
 * memory of its past.
 */
export async function groupQueryAttention(type, { query, key, value }) {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const [, heads, , depth] = query.shape;
  const [, kvHeads, keys] = key.shape;
  const cached = { type, shape: [1, kvHeads, keys, depth] };
  const model = onnxModel({
    operator: 'GroupQueryAttention',
    domain: 'com.microsoft',
    version: 1,
    attributes: { integers: { num_heads: heads, kv_num_heads: kvHeads } },
    inputs: [
      { name: 'query', type, shape: [1, 1, heads * depth] },
      { name: 'key', type, shape: [1, 1, kvHeads * depth] },
      { name: 'value', type, shape: [1, 1, kvHeads * depth] },
      { name: 'past_key', ...cached },
      { name: 'past_value', ...cached },
      { name: 'seqlens_k', type: 'int32', shape: [1] },
      { name: 'total_sequence_length', type: 'int32', shape: [1] },
    ],
    outputs: [
      { name: 'output', type, shape: [1, 1, heads * depth] },
      { name: 'present_key', ...cached },
      { name: 'present_value', ...cached },
    ],
  });
  const session = await InferenceSession.create(model, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const one = (data, shape) => new Tensor(type, data, shape);
  /** The last row of each head, as a row of all heads. */
  const last = ({ data }) => {
    const row = new data.constructor(kvHeads * depth);
    for (let h = 0; h < kvHeads; h++) {
      const from = (h * keys + keys - 1) * depth;
      row.set(data.subarray(from, from + depth), h * depth);
    }
    return one(row, [1, 1, kvHeads * depth]);
  };
  const [keyCache, valueCache] = [key, value].map(({ data, shape }) => one(data, shape));
  const feeds = {
    query: one(query.data, [1, 1, heads * depth]),
    key: last(key),
    value: last(value),
    past_key: keyCache,
    past_value: valueCache,
    seqlens_k: new Tensor('int32', Int32Array.of(keys - 1), [1]),
    total_sequence_length: new Tensor('int32', Int32Array.of(keys), [1]),
  };
  const output = one(new query.data.constructor(heads * depth), [1, 1, heads * depth]);
  const fetches = { output, present_key: keyCache, present_value: valueCache };
  return {
    step: async () => void (await session.run(feeds, fetches)),
    output: () => output.data,
    end: () => session.release(),
  };
}

/** `scaled_dot_product_attention` of the PyTorch of a Python, which times itself. */
export async function pytorch(python, { query, key, value }) {
  const server = startLineProcess(python, [SERVER]);
  const ask = async (header, arrays = []) => {
    server.write(`${JSON.stringify(header)}\n`);
    for (const { buffer, byteOffset, byteLength } of arrays)
      server.write(new Uint8Array(buffer, byteOffset, byteLength));
    const answer = JSON.parse(await server.readLine());
    if (answer.error) throw new Error(`PyTorch: ${answer.error}`);
    return answer;
  };
  const inputs = { query, key, value };
  const arrays = Object.entries(inputs).map(([name, { shape, dtype }]) => [name, shape, dtype]);
  const gqa = query.shape[1] !== key.shape[1];
  const header = { kind: 'prepare', threads: 1, causal: false, gqa, arrays };
  await ask(
    header,
    Object.values(inputs).map(({ data }) => data),
  );
  return {
    milliseconds: async () => (await ask({ kind: 'turn', milliseconds: 0 })).samplesMs[0],
    end: () => process.kill(server.pid),
  };
}
