// Heed against the same attention written by hand in tf.matMul, tf.softmax, tf.matMul, in one process and interleaved.
// Inputs are resident on both sides; the output stays resident and is then waited for with dataSync().
// A ratio is the hand-written time by Heed's, the median over pairs of calls that follow each other, so that what else
// the machine does hits both alike: above 1 Heed is faster.
//
//   node scripts/compare.mjs [--rounds 25]
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { resolveRequest } from '@heed/core';
import tfjsNode from '@heed/backend-tfjs-node';

const [HEADS, DEPTH] = [12, 64];
const LENGTHS = [128, 256, 512, 1024, 2048];
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '25' } } });

// The backend is made first: it prepares the engine for newer versions of Node.
const backend = await tfjsNode.create();
const { default: tf } = await import('@tensorflow/tfjs-node');

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

function byHand({ query, key, value }, mask) {
  return tf.tidy(() => {
    const scores = tf.matMul(tf.mul(query, 1 / Math.sqrt(DEPTH)), key, false, true);
    return tf.matMul(tf.softmax(mask === null ? scores : tf.add(scores, mask)), value);
  });
}

async function timed(work) {
  const start = performance.now();
  const { output, free } = await work();
  output.dataSync();
  const time = performance.now() - start;
  free();
  return time;
}

/** Median times of both sides. Short calls are many to a round, so that what else runs here hits both alike. */
async function interleaved(sides, callsPerRound) {
  const times = { hand: [], heed: [] };
  const warmUp = Math.max(2, callsPerRound * 4);
  const calls = Number(values.rounds) * callsPerRound;
  for (let call = -warmUp; call < calls; call++) {
    for (const side of call % 2 === 0 ? ['hand', 'heed'] : ['heed', 'hand']) {
      const time = await timed(sides[side]);
      if (call >= 0) times[side].push(time);
    }
  }
  const ratios = times.hand.map((time, call) => time / times.heed[call]);
  return { hand: median(times.hand), heed: median(times.heed), ratio: median(ratios) };
}

async function compare(length, causal) {
  const tensors = Object.fromEntries(
    ['query', 'key', 'value'].map((name, seed) => [
      name,
      tf.randomNormal([1, HEADS, length, DEPTH], 0, 1, 'float32', seed + 1),
    ]),
  );
  const mask = causal ? tf.tidy(() => tf.log(tf.linalg.bandPart(tf.ones([length, length]), -1, 0))) : null;
  const resident = Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, backend.wrap(tensor.clone())]),
  );
  const { problem, inputs } = resolveRequest({ ...resident, causal });
  const kernel = await backend.compile(problem);
  const sides = {
    async hand() {
      const output = byHand(tensors, mask);
      return { output, free: () => output.dispose() };
    },
    async heed() {
      const { output } = await kernel.run(inputs, { resident: true });
      return { output: backend.unwrap(output), free: () => output.dispose() };
    },
  };
  const result = await interleaved(sides, Math.max(1, Math.round((512 / length) ** 2)));
  await kernel.dispose();
  for (const tensor of Object.values(resident)) tensor.dispose();
  tf.dispose([tensors, mask]);
  return result;
}

const print = (...cells) => console.log(cells.map((cell) => String(cell).padStart(9)).join(''));

console.log(`${backend.device}, tfjs-node ${tf.version['tfjs-node']}, node ${process.versions.node}`);
console.log(`${cpus()[0].model}, ${cpus().length} processors; B=1 H=${HEADS} D=${DEPTH} float32`);
print('', 'N', 'hand ms', 'heed ms', 'ratio');
for (const causal of [false, true]) {
  for (const length of LENGTHS) {
    const { hand, heed, ratio } = await compare(length, causal);
    print(causal ? 'causal' : 'dense', length, hand.toFixed(3), heed.toFixed(3), ratio.toFixed(2));
  }
}
await backend.dispose();
