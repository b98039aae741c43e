#!/usr/bin/env node
// Measures the kernels, with one thread by default: shares of the peak of the same instructions and of the bandwidth of
// a sum, and ratios to ONNX Runtime and PyTorch where they are installed, taken in turns in the same run.
//
//   measure [PART OF A NAME ...]     only workloads with such a name; `own` is what needs no peer: softcap, ALiBi, bias
//                                    and segments beside dense, float64, two threads. --level avx2 forces a level
//
// On a machine with other work: nice -n -10 taskset -c 1 pnpm measure. Real-time priority can hang the machine. A Python
// with torch comes first on the PATH.
import { requestOf, usefulFlops, workload } from '@heed/benchmarks';
import onnxAttention from '../../../benchmarks/dist/contestants/onnxruntime-node-attention.js';
import onnxMultiHead from '../../../benchmarks/dist/contestants/onnxruntime-node-mha.js';
import pytorch from '../../../benchmarks/dist/contestants/pytorch.js';
import { backendContestant } from '@heed/benchmarks';
import native from '../dist/index.js';
import { measureOwn } from './measure/own.mjs';
import { peakOf } from './measure/peak.mjs';

const ROUNDS = 7;
const words = process.argv.slice(2);
const at = words.indexOf('--level');
const level = at < 0 ? undefined : words.splice(at, 2)[1];
const backend = await native.create({ threads: 1, ...(level && { level }) });
const levelName =
  level ??
  { 'AVX-512': 'avx512', AVX2: 'avx2', NEON: 'neon' }[/native ([^,]+)/.exec(backend.device)[1]] ??
  'plain';
await backend.dispose();
const peak = peakOf(levelName);

const causal = { causal: true };
/** Share of the peak in dense attention of 1,024 and 2,048: AVX2 on a machine that has more. */
const avx2 = levelName === 'avx2' && { peak: 0.75 };
/** Workloads with lower bounds: relative to the better peer, to PyTorch, to the peak. */
const workloads = [
  [workload({ length: 512 }), { better: 1 }],
  [workload({ length: 1024 }), { better: 1.1, orPeak: 0.85, ...avx2 }],
  [workload({ length: 2048 }), { better: 1.1, orPeak: 0.85, peak: 0.8, ...avx2 }],
  [workload({ length: 4096 }), { better: 1.1, orPeak: 0.85 }],
  [workload({ length: 128, batch: 8 }), { better: 1 }],
  [workload({ length: 512, headDim: 32 }), { better: 1 }],
  [workload({ length: 512, headDim: 80 }), { better: 1 }],
  [workload({ length: 512, headDim: 128 }), { better: 1 }],
  [workload({ length: 2048, ...causal }), { pytorch: 1.5, onnx: 3 }],
  [workload({ length: 4096, window: { left: 256, right: 256 } }), { pytorch: 15 }],
  [workload({ length: 512, mask: true }), { better: 1.1 }],
  [workload({ length: 1500, queryLength: 64 }), { better: 1 }],
  [workload({ length: 77, queryLength: 1024 }), { better: 1 }],
  [workload({ length: 512, gradient: true }), { pytorch: 1.2 }],
  [workload({ length: 512, gradient: true, ...causal }), { pytorch: 1.6 }],
  [workload({ length: 1024, queryLength: 1, heads: 14, kvHeads: 2 }), { better: 1.3 }],
  [workload({ length: 65536, queryLength: 1, heads: 14, kvHeads: 2 }), { better: 3, bandwidth: 0.7 }],
  [workload({ length: 65536, queryLength: 1, heads: 8 }), { bandwidth: 0.85 }],
].filter(([{ name }]) => words.length === 0 || words.some((word) => name.includes(word)));

const contestants = {
  native: backendContestant(optioned()),
  attention: onnxAttention,
  mha: onnxMultiHead,
  pytorch,
};

function optioned() {
  return { ...native, create: ({ threads }) => native.create({ threads, ...(level && { level }) }) };
}

/** The least milliseconds of each contestant that computes the workload, and the most of the limit, in turns. */
async function race(of, limit) {
  const request = await requestOf(of);
  const prepared = {};
  for (const [name, contestant] of Object.entries(contestants)) {
    try {
      const { available } = await contestant.probe();
      if (available) prepared[name] = await contestant.prepare(of, request, { threads: 1 });
    } catch (error) {
      if (error.code !== 'UNSUPPORTED') throw error;
    }
  }
  const least = {};
  let most = 0;
  for (let round = 0; round < ROUNDS; round++) {
    most = Math.max(most, await limit());
    for (const [name, one] of Object.entries(prepared)) {
      let samples;
      if (one.turn) samples = await one.turn(round === 0 ? 0 : 20);
      else {
        samples = [];
        for (const end = performance.now() + 20; samples.length === 0 || performance.now() < end;) {
          const started = performance.now();
          await one.run();
          samples.push(performance.now() - started);
        }
      }
      if (round > 0) least[name] = Math.min(least[name] ?? Infinity, ...samples);
    }
  }
  for (const one of Object.values(prepared)) await one.dispose();
  return { ...least, most };
}

const percent = (share) => `${(100 * share).toFixed(0)}%`;
const times = (ratio) => `${ratio.toFixed(2)} ×`;

console.log(
  `${levelName}, peak ${(await peak('float32', 100)).toFixed(0)} GFLOP/s float32, ${(await peak('float64', 100)).toFixed(0)} float64`,
);
for (const [of, goal] of workloads) {
  const isDecoding = of.queryLength === 1;
  const bytes = 4 * of.batch * of.kvHeads * of.keyLength * (of.headDim + of.valueDim);
  const least = await race(of, () => (isDecoding ? peak('sum', bytes) : peak('float32', 15)));
  const { native: own, pytorch: torch } = least;
  const onnx = Math.min(least.attention ?? Infinity, least.mha ?? Infinity);
  const amount = isDecoding ? bytes : usefulFlops(of);
  const share = `${percent(amount / own / 1e6 / least.most)} of ${isDecoding ? 'a sum' : 'the peak'}`;
  const ratios = [
    Number.isFinite(onnx) && `${times(onnx / own)} ONNX Runtime`,
    torch && `${times(torch / own)} PyTorch`,
  ].filter(Boolean);
  console.log(
    `${of.name.padEnd(28)} ${own.toFixed(3).padStart(9)} ms  ${share.padEnd(20)} ${ratios.join(', ')}  (goal ${JSON.stringify(goal)})`,
  );
}
if (words.length === 0 || words.includes('own')) await measureOwn({ level, peak });
process.exit(0);
