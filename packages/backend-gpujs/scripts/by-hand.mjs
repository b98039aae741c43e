import { input } from 'gpu.js';

/** The textbook's five kernels: scores, the largest and the sum of each row, weights, output. */
export function byHand(gpu, { heads, length, depth }) {
  const constants = { length, depth, scale: 1 / Math.sqrt(depth) };
  const settings = { constants, pipeline: true, immutable: true, loopMaxIterations: 1e6 };
  const kernel = (work, output) => gpu.createKernel(work, { ...settings, output });
  const scores = kernel(
    'function (q, k) { let sum = 0; for (let d = 0; d < this.constants.depth; d++) { sum += q[this.thread.z][this.thread.y][d] * k[this.thread.z][this.thread.x][d]; } return sum * this.constants.scale; }',
    [length, length, heads],
  );
  const largest = kernel(
    'function (s) { let most = s[this.thread.y][this.thread.x][0]; for (let j = 1; j < this.constants.length; j++) { const score = s[this.thread.y][this.thread.x][j]; if (score > most) most = score; } return most; }',
    [length, heads],
  );
  const sum = kernel(
    'function (s, m) { let total = 0; for (let j = 0; j < this.constants.length; j++) { total += Math.exp(s[this.thread.y][this.thread.x][j] - m[this.thread.y][this.thread.x]); } return total; }',
    [length, heads],
  );
  const weights = kernel(
    'function (s, m, n) { return Math.exp(s[this.thread.z][this.thread.y][this.thread.x] - m[this.thread.z][this.thread.y]) / n[this.thread.z][this.thread.y]; }',
    [length, length, heads],
  );
  const output = kernel(
    'function (w, v) { let sum = 0; for (let j = 0; j < this.constants.length; j++) { sum += w[this.thread.z][this.thread.y][j] * v[this.thread.z][j][this.thread.x]; } return sum; }',
    [depth, length, heads],
  );
  const inputs = (tensors) => tensors.map((data) => input(data, [depth, length, heads]));
  const products = async (...tensors) => {
    const [q, k, v] = inputs(tensors);
    const s = await scores(q, k);
    const o = await output(s, v);
    await o.toArray?.();
    for (const array of [s, o]) array.delete?.();
  };
  const attention = async (...tensors) => {
    const [q, k, v] = inputs(tensors);
    const s = await scores(q, k);
    const m = await largest(s);
    const n = await sum(s, m);
    const w = await weights(s, m, n);
    const o = await output(w, v);
    const result = o.toArray ? await o.toArray() : o;
    for (const array of [s, m, n, w, o]) array.delete?.();
    return result;
  };
  return { products, attention };
}
