// Heed against the same attention written by hand in tf.matMul, tf.softmax, tf.matMul, in one process and interleaved.
// Inputs are resident on both sides; the output stays resident and is then waited for with dataSync().
// A ratio is the hand-written median time by Heed's: above 1 Heed is faster.
//
//   node scripts/compare.mjs [--rounds 25]
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { problemOf } from '@heed/core';
import tfjsNode from '@heed/backend-tfjs-node';
import tf from '@tensorflow/tfjs-node';

const [HEADS, DEPTH] = [12, 64];
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '25' } } });

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

async function timed(work) {
  const start = performance.now();
  const output = await work();
  output.dataSync();
  const time = performance.now() - start;
  output.dispose();
  return time;
}

function byHand({ query, key, value }, mask) {
  return tf.tidy(() => {
    const scores = tf.matMul(tf.mul(query, 1 / Math.sqrt(DEPTH)), key, false, true);
    return tf.matMul(tf.softmax(mask === null ? scores : tf.add(scores, mask)), value);
  });
}

async function compare(backend, length, causal) {
  const shape = [1, HEADS, length, DEPTH];
  const tensors = Object.fromEntries(
    ['query', 'key', 'value'].map((name, seed) => [name, tf.randomNormal(shape, 0, 1, 'float32', seed + 1)]),
  );
  const mask = causal ? tf.log(tf.linalg.bandPart(tf.ones([length, length]), -1, 0)) : null;
  const resident = Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, backend.wrap(tensor.clone())]),
  );
  const { problem, inputs } = problemOf({ ...resident, causal });
  const kernel = await backend.compile(problem);
  const sides = {
    hand: async () => byHand(tensors, mask),
    heed: async () => {
      const { output } = await kernel.run(inputs, { resident: true });
      const tensor = backend.unwrap(output).clone();
      output.dispose();
      return tensor;
    },
  };
  const times = { hand: [], heed: [] };
  // Short calls are many to a round, so that what else runs on the machine hits both sides alike.
  const calls = Math.max(1, Math.round((512 / length) ** 2));
  for (let round = -2; round < Number(values.rounds); round++) {
    for (let call = 0; call < calls; call++) {
      for (const side of (round + call) % 2 === 0 ? ['hand', 'heed'] : ['heed', 'hand']) {
        const time = await timed(sides[side]);
        if (round >= 0) times[side].push(time);
      }
    }
  }
  await kernel.dispose();
  for (const tensor of Object.values(resident)) tensor.dispose();
  tf.dispose([tensors, mask]);
  const [hand, heed] = [median(times.hand), median(times.heed)];
  const row = [
    causal ? 'causal' : 'dense',
    length,
    hand.toFixed(3),
    heed.toFixed(3),
    (hand / heed).toFixed(2),
  ];
  console.log(row.map((cell) => String(cell).padStart(8)).join(''));
}

const backend = await tfjsNode.create();
console.log(
  `${backend.device}, @tensorflow/tfjs-node ${tf.version['tfjs-node']}, node ${process.versions.node}`,
);
console.log(`${cpus()[0].model}, ${cpus().length} processors; B=1 H=${HEADS} D=${DEPTH} float32`);
console.log(['', 'N', 'hand ms', 'heed ms', 'ratio'].map((cell) => cell.padStart(8)).join(''));
for (const causal of [false, true]) {
  for (const length of [128, 256, 512, 1024, 2048]) await compare(backend, length, causal);
}
await backend.dispose();
