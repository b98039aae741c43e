// pnpm --filter @heed/examples time-decoding [--backend NAME]
// A decoding step at 1,000 tokens: MultiHeadAttention with its cache, and the same written by hand on attention(), in turns.
import os from 'node:os';
import { parseArgs } from 'node:util';
import { attention, tensor } from '@heed/core';
import { type FloatTensor, Linear, MultiHeadAttention, seededRandom } from '@heed/layers';
import { createBackend } from '../backends.ts';

const [WIDTH, HEADS, TOKENS, STEPS] = [768, 12, 1000, 40];
const { values } = parseArgs({ options: { backend: { type: 'string', default: 'wasm' } } });
const backend = await createBackend(values.backend);
const random = seededRandom(1);
const rows = (count: number): FloatTensor =>
  tensor(
    Float32Array.from({ length: count * WIDTH }, () => random() - 0.5),
    [1, count, WIDTH],
  );

const layer = new MultiHeadAttention({ embedDim: WIDTH, heads: HEADS, random }).freeze();
const linear = (name: string): Linear => {
  const made = new Linear({ inputDim: WIDTH, outputDim: WIDTH, random });
  made.loadStateDict({
    weight: layer.parameters[`${name}.weight`],
    bias: layer.parameters[`${name}.bias`],
  });
  return made;
};
const [ofQuery, ofKey, ofValue, ofOutput] = ['query', 'key', 'value', 'output'].map(linear);
const capacity = TOKENS + 2 * STEPS;
const shape = [1, HEADS, capacity, WIDTH / HEADS];
const key = await backend.allocate('float32', shape);
const value = await backend.allocate('float32', shape);
const cache = await layer.cache(backend, { capacity });
let length = 0;

/** One row of E numbers is one row of each head, whichever axis is first. */
const split = ({ data }: FloatTensor): FloatTensor =>
  tensor(data as Float32Array, [1, HEADS, 1, WIDTH / HEADS]);

async function byHand(query: FloatTensor): Promise<FloatTensor> {
  const at = { axis: 2, start: length };
  await key.write(split(ofKey.forward(query)), at);
  await value.write(split(ofValue.forward(query)), at);
  length++;
  const { output } = await attention(backend, {
    query: split(ofQuery.forward(query)),
    key,
    value,
    keyLengths: [length],
    causal: true,
    alignment: 'bottomRight',
  });
  return ofOutput.forward(tensor(output.data as Float32Array, [1, 1, WIDTH]));
}

const byLayer = async (query: FloatTensor): Promise<FloatTensor> =>
  (await layer.forward(backend, { query, causal: true, cache })).output;

const times = { layer: [] as number[], hand: [] as number[] };
let difference = 0;
for (let step = 0; step < TOKENS + STEPS; step++) {
  const query = rows(1);
  const first = performance.now();
  const one = await byLayer(query);
  const second = performance.now();
  const other = await byHand(query);
  const end = performance.now();
  one.data.forEach((x, n) => (difference = Math.max(difference, Math.abs(x - other.data[n]))));
  if (step < TOKENS) continue;
  times.layer.push(second - first);
  times.hand.push(end - second);
}
const median = (all: number[]): number => all.sort((a, b) => a - b)[all.length >> 1];
const [ofLayer, ofHand] = [median(times.layer), median(times.hand)];
console.log(
  `${os.cpus()[0]?.model}, Node ${process.version}, ${backend.device}, E=${WIDTH} H=${HEADS}, ${TOKENS} tokens`,
);
console.log(
  `layer ${ofLayer.toFixed(2)} ms, by hand ${ofHand.toFixed(2)} ms: ${(ofLayer / ofHand).toFixed(2)} ×`,
);
console.log(`largest difference ${difference.toExponential(1)}`);
cache.dispose();
await backend.dispose();
