import type * as jaxjs from '@jax-js/jax';
import { fromRows, toRows } from '@heed/peers';
import type { Contestant, PreparedContestant, WorkloadResults } from '../contestant.ts';
import { loadable } from '../loadable.ts';
import { attendedPairs } from '../workload/pairs.ts';
import { type WorkloadRequest, outputGradientOf } from '../workload/request.ts';
import type { Workload } from '../workload/workload.ts';

type Jax = typeof jaxjs;
type JaxArray = jaxjs.Array;

/** jax-js: `nn.dotProductAttention`, compiled by `jit`, on its WebAssembly device. */
const jaxJs: Contestant = {
  name: '@jax-js/jax',
  probe: () => loadable(['@jax-js/jax'], load),
  prepare: async (workload, request) => prepareOn(await load(), workload, request),
};
export default jaxJs;

async function load(): Promise<Jax> {
  const jax = await import('@jax-js/jax');
  const devices = await jax.init('wasm');
  if (!devices.includes('wasm')) throw new Error('it has no wasm device here');
  jax.defaultDevice('wasm');
  return jax;
}

/** Arrays are `[B, L, H, D]`. A call consumes its arrays; `.ref` keeps one for the next. */
function prepareOn(jax: Jax, workload: Workload, request: WorkloadRequest): PreparedContestant {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim } = workload;
  const { numpy, nn } = jax;
  const rows = (data: Float32Array, shape: number[]): JaxArray => numpy.array(data, { shape });
  const query = rows(toRows(request.query).data, [batch, queryLength, heads, headDim]);
  const key = rows(toRows(request.key).data, [batch, keyLength, kvHeads, headDim]);
  const value = rows(toRows(request.value).data, [batch, keyLength, kvHeads, valueDim]);
  // Its causal mask is aligned top left, and its window has other rules: one mask covers everything.
  const pairs = queryLength === 1 ? null : attendedPairs(workload);
  const mask =
    pairs && numpy.array(Array.from(pairs, Boolean), { shape: [1, 1, queryLength, keyLength] } as never);

  const attend = (q: JaxArray, k: JaxArray, v: JaxArray): JaxArray =>
    nn.dotProductAttention(q, k, v, mask ? { mask: mask.ref } : {});
  const dOutput = workload.gradient
    ? rows(toRows(outputGradientOf(workload)).data, [batch, queryLength, heads, valueDim])
    : null;
  const compute = dOutput === null ? forward(jax, attend) : forwardAndBackward(jax, attend, dOutput);

  const shapes = [
    [batch, heads, queryLength, valueDim],
    [batch, heads, queryLength, headDim],
    [batch, kvHeads, keyLength, headDim],
    [batch, kvHeads, keyLength, valueDim],
  ];
  let data: Float32Array[] = [];
  return {
    device: 'WebAssembly, one thread (jax-js)',
    threads: 1,
    async run() {
      const arrays = compute(query.ref, key.ref, value.ref);
      data = (await Promise.all(arrays.map((array) => array.data()))) as Float32Array[];
    },
    async results() {
      const [output, dQuery, dKey, dValue] = data.map((numbers, at) => fromRows(numbers, shapes[at]!));
      return { output, ...(dQuery && { dQuery, dKey, dValue }) } as WorkloadResults;
    },
    async dispose() {
      for (const array of [query, key, value, mask, dOutput]) array?.dispose();
    },
  };
}

type Attend = (q: JaxArray, k: JaxArray, v: JaxArray) => JaxArray;
type Compute = (q: JaxArray, k: JaxArray, v: JaxArray) => JaxArray[];

function forward(jax: Jax, attend: Attend): Compute {
  const compiled = jax.jit(attend);
  return (q, k, v) => [compiled(q, k, v) as JaxArray];
}

function forwardAndBackward(jax: Jax, attend: Attend, dOutput: JaxArray): Compute {
  return (q, k, v) => {
    const [output, backward] = jax.vjp(attend, [q, k, v]) as unknown as [
      JaxArray,
      ((cotangent: JaxArray) => JaxArray[]) & { dispose(): void },
    ];
    const gradients = backward(dOutput.ref);
    backward.dispose();
    return [output, ...gradients];
  };
}
