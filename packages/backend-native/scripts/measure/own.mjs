import { fileURLToPath } from 'node:url';
import { requestOf, usefulFlops, workload } from '@heed/benchmarks';
import { cast, resolveRequest } from '@heed/core';
import { startLineProcess } from '../../../../conformance/peers/dist/index.js';
import native from '../../dist/index.js';

const ROUNDS = 9;
const SERVER = fileURLToPath(new URL('../../../../benchmarks/python/attention_server.py', import.meta.url));
const times = (ratio) => `${ratio.toFixed(2)} ×`;
const percent = (share) => `${(100 * share).toFixed(0)}%`;
const print = (name, milliseconds, text) =>
  console.log(`${name.padEnd(28)} ${milliseconds.toFixed(3).padStart(9)} ms  ${text}`);

/** Prints what is measured against the backend's own dense attention, in float64, and with two threads. */
export async function measureOwn({ level, peak }) {
  await features(level);
  await double(level, peak);
  await twoThreads(level, peak);
}

/** Softcap, ALiBi, bias and segments at 1,024, relative to dense attention on useful work; goal 0.7. */
async function features(level) {
  const backend = await native.create({ threads: 1, ...(level && { level }) });
  const of = workload({ length: 1024 });
  const request = await requestOf(of);
  const { query } = await requestOf(workload({ length: 1024, heads: 1, headDim: 1024 }));
  const segments = {
    dtype: 'int32',
    shape: [1, 1024],
    data: Int32Array.from({ length: 1024 }, (_, i) => +(i >= 512)),
  };
  const variants = {
    dense: {},
    softcap: { softcap: 30 },
    alibi: { alibiSlopes: Array.from({ length: 12 }, (_, head) => 2 ** (-(head + 1) / 2)) },
    bias: { bias: query },
    'two segments': { querySegments: segments, keySegments: segments },
  };
  const runs = {};
  for (const [name, more] of Object.entries(variants))
    runs[name] = await runOf(backend, { ...request, ...more });
  const least = await inTurns(runs);
  for (const [name, one] of Object.entries(least)) {
    const work = name === 'two segments' ? 0.5 : 1;
    print(`${name}/1024`, one, `${times((work * least.dense) / one)} dense on useful work  (goal 0.7)`);
  }
  await backend.dispose();
}

/** Dense attention in float64 at 1,024: the share of the peak (goal 70%) and the ratio to PyTorch (goal 1). */
async function double(level, peak) {
  const backend = await native.create({ threads: 1, ...(level && { level }) });
  const of = workload({ length: 1024 });
  const single = await requestOf(of);
  const request = Object.fromEntries(
    Object.entries(single).map(([name, tensor]) => [name, cast(tensor, 'float64')]),
  );
  const runs = { own: await runOf(backend, request) };
  const torch = await pytorch(request);
  if (torch) runs.torch = torch.run;
  const least = await inTurns(runs);
  const share = percent(usefulFlops(of) / least.own / 1e6 / (await peak('float64', 300)));
  const ratio = torch ? `, ${times(least.torch / least.own)} PyTorch` : '';
  print('float64/dense/1024', least.own, `${share} of the peak${ratio}  (goal 70%, 1)`);
  torch?.end();
  await backend.dispose();
}

/** Dense attention at 2,048 with two threads, relative to one; goal 0.95 of what the multiply-add loop gains. */
async function twoThreads(level, peak) {
  const request = await requestOf(workload({ length: 2048 }));
  const one = await native.create({ threads: 1, ...(level && { level }) });
  const two = await native.create({ threads: 2, ...(level && { level }) });
  const gains = [];
  for (let round = 0; round < 3; round++)
    gains.push((await peak('float32', 200, 2)) / (await peak('float32', 200)));
  const least = await inTurns({ one: await runOf(one, request), two: await runOf(two, request) });
  const gain = gains.sort((a, b) => a - b)[1];
  print(
    'dense/2048, two threads',
    least.two,
    `${times(least.one / least.two)} one; the peak loop ${times(gain)}  (goal 0.95 of it)`,
  );
  await one.dispose();
  await two.dispose();
}

async function runOf(backend, request) {
  const { problem, inputs } = resolveRequest(request);
  const kernel = await backend.compile(problem);
  return async () => {
    const started = performance.now();
    await kernel.run(inputs);
    return performance.now() - started;
  };
}

/** PyTorch's attention in float64 on the same numbers, or null where it is not installed. */
async function pytorch(request) {
  const server = startLineProcess('python3', [SERVER]);
  const ask = async (header, arrays = []) => {
    server.write(`${JSON.stringify(header)}\n`);
    for (const { buffer } of arrays) server.write(new Uint8Array(buffer));
    const answer = JSON.parse(await server.readLine());
    if (answer.error) throw new Error(answer.error);
    return answer;
  };
  try {
    await ask({ kind: 'hello' });
  } catch {
    return null;
  }
  const arrays = Object.entries(request).map(([name, { shape }]) => [name, shape, 'float64']);
  const header = { kind: 'prepare', threads: 1, causal: false, gqa: false, arrays };
  await ask(
    header,
    Object.values(request).map(({ data }) => data),
  );
  const run = async () => Math.min(...(await ask({ kind: 'turn', milliseconds: 0 })).samplesMs);
  return { run, end: () => process.kill(server.pid) };
}

/** The least milliseconds of each run, taken in turns. */
async function inTurns(runs) {
  const least = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(runs)) {
      const milliseconds = await run();
      if (round > 0) least[name] = Math.min(least[name] ?? Infinity, milliseconds);
    }
  }
  return least;
}
