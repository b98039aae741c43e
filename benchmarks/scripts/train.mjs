// A small pre-norm transformer trained from the same weights on the same tokens, step for step: by @heed/layers on the backends, and by
// operations of tfjs-node. In turns, float32, with the time and the loss of each step.
//
//   node scripts/train.mjs [--backends wasm,native] [--threads 1] [--steps 10] [--no-tfjs] [--float64]
//
// 4 layers, width 256, 4 heads, 128 tokens, batch 16, no dropout, Adam. With --float64, losses are held against those of PyTorch
// (packages/layers/scripts/dump_training.py), for at most 50 steps; tests of packages/layers do the same with a smaller model.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import util from 'node:util';
import { parseArgs } from 'node:util';
import { SmallTransformer, tokensOf } from '../../packages/layers/dist/test/small-transformer.js';
import { median } from './median.mjs';

const { values } = parseArgs({
  options: {
    backends: { type: 'string', default: 'wasm,native' },
    threads: { type: 'string', default: '1' },
    steps: { type: 'string', default: '10' },
    'no-tfjs': { type: 'boolean', default: false },
    float64: { type: 'boolean', default: false },
  },
});
const threads = Number(values.threads);
const steps = Number(values.steps);
const file = new URL('../../packages/layers/cases/torch-training.json', import.meta.url);
const torch = JSON.parse(readFileSync(file, 'utf8'));
const LEARNING_RATE = torch.learningRate;
const { size: SIZE, losses: expected } = torch.cases.find(({ name }) => name === 'whole');
const dtype = values.float64 ? 'float64' : 'float32';

async function heed(name) {
  const { default: provider } = await import(`../../packages/backend-${name}/dist/index.js`);
  const backend = await provider.create(name === 'ts' ? {} : { threads });
  const model = new SmallTransformer(SIZE, LEARNING_RATE, dtype);
  return {
    name: `@heed/layers on ${name} (${backend.device})`,
    step: (step) => model.step(backend, step),
    end: () => backend.dispose(),
  };
}

async function tfjs() {
  // The number of threads comes from the environment. tfjs-node 4.22 calls two functions that Node 23 removed from `util`.
  process.env.TF_NUM_INTRAOP_THREADS = String(threads);
  process.env.TF_CPP_MIN_LOG_LEVEL = '2';
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  const { default: tf } = await import('@tensorflow/tfjs-node');
  tf.enableProdMode();
  await tf.setBackend('tensorflow');
  const { layers, width, heads, length, batch, words } = SIZE;
  const first = new SmallTransformer(SIZE, LEARNING_RATE, 'float32').parameters;
  const p = Object.fromEntries(
    Object.entries(first).map(([name, { data, shape }]) => [name, tf.variable(tf.tensor(data, shape))]),
  );
  const flat = (x) => x.reshape([-1, x.shape.at(-1)]);
  const linear = (x, name) => {
    const product = tf.matMul(flat(x), p[`${name}.weight`], false, true);
    return p[`${name}.bias`] === undefined ? product : product.add(p[`${name}.bias`]);
  };
  const norm = (x, name) => {
    const { mean, variance } = tf.moments(x, -1, true);
    const normal = x.sub(mean).mul(tf.rsqrt(variance.add(1e-5)));
    return normal.mul(p[`${name}.weight`]).add(p[`${name}.bias`]);
  };
  const gelu = (x) => x.mul(0.5).mul(tf.erf(x.mul(Math.SQRT1_2)).add(1));
  const mask = tf.tensor2d(
    Float32Array.from({ length: length * length }, (_, n) => (n % length > n / length ? -1e9 : 0)),
    [length, length],
  );
  const split = (x) => x.reshape([batch, length, heads, width / heads]).transpose([0, 2, 1, 3]);
  const lossOf = (ids, targets) => {
    let x = tf.gather(p['words.weight'], ids).add(p['positions.weight']).reshape([-1, width]);
    for (let n = 0; n < layers; n++) {
      const inner = norm(x, `${n}.attentionNorm`);
      const [q, k, v] = ['query', 'key', 'value'].map((part) =>
        split(linear(inner, `${n}.attention.${part}`)),
      );
      const scores = tf
        .matMul(q, k, false, true)
        .mul((width / heads) ** -0.5)
        .add(mask);
      const joined = tf.matMul(tf.softmax(scores), v).transpose([0, 2, 1, 3]).reshape([-1, width]);
      x = x.add(linear(joined, `${n}.attention.output`));
      const hidden = gelu(linear(norm(x, `${n}.feedForwardNorm`), `${n}.feedForward.up`));
      x = x.add(linear(hidden, `${n}.feedForward.down`));
    }
    return tf.losses.softmaxCrossEntropy(tf.oneHot(targets, words), linear(norm(x, 'norm'), 'head'));
  };
  const optimizer = tf.train.adam(LEARNING_RATE, 0.9, 0.999, 1e-8);
  return {
    name: `tfjs-node (TensorFlow ${tf.backend().binding.TF_Version}, ${threads} threads)`,
    async step(step) {
      const tokens = tf.tensor2d(tokensOf(SIZE, step), [batch, length + 1], 'int32');
      const ids = tokens.slice([0, 0], [batch, length]);
      const targets = tokens.slice([0, 1], [batch, length]).reshape([-1]);
      const loss = optimizer.minimize(() => lossOf(ids, targets), true);
      const [value] = await loss.data();
      tf.dispose([tokens, ids, targets, loss]);
      return value;
    },
    end: () => undefined,
  };
}

const contestants = [];
for (const name of values.backends.split(',').filter(Boolean)) contestants.push(await heed(name));
if (!values['no-tfjs'] && !values.float64) contestants.push(await tfjs());
const times = contestants.map(() => []);
const losses = contestants.map(() => []);
for (let step = 0; step < steps; step++) {
  for (const [n, contestant] of contestants.entries()) {
    const start = performance.now();
    losses[n].push(await contestant.step(step));
    if (step >= 2) times[n].push(performance.now() - start);
  }
}
console.log(`${cpus()[0]?.model}, Node ${process.version}, medians of ${steps - 2} steps after 2`);
for (const [n, { name }] of contestants.entries()) {
  const shown = [0, steps >> 1, steps - 1].map((step) => `${step}: ${losses[n][step].toFixed(5)}`).join(', ');
  console.log(`${median(times[n]).toFixed(0).padStart(6)} ms a step, loss ${shown}  ${name}`);
}
const others = values.float64 ? expected : losses[0];
const difference = Math.max(
  ...losses.flatMap((mine) => mine.map((loss, step) => Math.abs(loss - others[step]))),
);
const from = values.float64 ? torch.source : contestants[0].name;
console.log(`largest difference to the losses of ${from}: ${difference.toExponential(1)}`);
for (const contestant of contestants) await contestant.end();
