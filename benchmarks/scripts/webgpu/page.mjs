// Runs in the page. `window.measure(workload)` opens each contestant, checks its output, and times them in turns.
import { contestants, expectedOf } from './contestants.mjs';

function waves(shape, seed) {
  const data = new Float32Array(shape.reduce((a, b) => a * b));
  for (let n = 0; n < data.length; n++) data[n] = Math.sin(seed + 1.7 * n + 0.001 * (n % 977));
  return { dtype: 'float32', shape, data };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

async function timeOf(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** A contestant with one run done, or the reason that it cannot take part. */
async function opened(name, request, expected, tolerance) {
  try {
    const contestant = await contestants[name](request);
    const output = contestant.read(await contestant.run());
    // The first run compiled shaders.
    const warm = await timeOf(() => contestant.run());
    let error = 0;
    for (let n = 0; n < expected.length; n++) {
      const difference = Math.abs(output[n] - expected[n]);
      // NaN is not close to anything.
      if (!(difference <= error)) error = difference;
    }
    return { name, contestant, warm, error, isRight: error <= tolerance, times: [] };
  } catch (reason) {
    return { name, refusal: String(reason?.message ?? reason).slice(0, 200) };
  }
}

window.measure = async ({ names, heads, queries, keys, depth, causal, model, rounds, limit, tolerance }) => {
  const shape = (length) => [1, heads, length, depth];
  const request = {
    query: waves(shape(queries), 1),
    key: waves(shape(keys), 2),
    value: waves(shape(keys), 3),
    causal,
    model,
  };
  const expected = await expectedOf(request);
  const all = [];
  for (const name of names) all.push(await opened(name, request, expected, tolerance));
  const right = all.filter(({ isRight, warm }) => isRight && warm < limit);
  for (let round = 0; round < rounds; round++) {
    for (const { contestant, times } of right) times.push(await timeOf(() => contestant.run()));
  }
  for (const { contestant } of all) await contestant?.close();
  return all.map(({ name, contestant, warm, error, isRight, refusal, times }) => ({
    name,
    device: contestant?.device,
    warm,
    error,
    isRight,
    refusal,
    time: times?.length > 0 ? median(times) : null,
  }));
};
