import { type AttentionBackend, type AttentionKernel, type Tensor, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../../case.ts';
import type { Values } from '../../../judge/expectation.ts';
import { type Sketch, dOutputOf, requestOf } from '../../../sketch.ts';
import { ensureAgrees } from '../../building/agree.ts';
import { behavior, ensure } from '../../building/behavior.ts';
import { ensureClose, ensureSameBits, runAll, runKernel, withEverything } from '../../building/run-all.ts';
import { VARIATIONS } from '../../building/variations.ts';

async function withKernel(
  backend: AttentionBackend,
  request: CaseRequest,
  work: (kernel: AttentionKernel) => Promise<void>,
): Promise<void> {
  const kernel = await backend.compile(resolveRequest(request).problem);
  try {
    await work(kernel);
  } finally {
    await kernel.dispose();
  }
}

async function ensureRuns(kernel: AttentionKernel, request: CaseRequest, what: string): Promise<void> {
  ensureAgrees(request, await kernel.run(resolveRequest(request).inputs), what);
}

/** One kernel, several inputs: requests whose problems are the same. */
function inTurn(name: string, first: Sketch, ...later: Sketch[]): BehaviorCase {
  return behavior('life', `one-kernel/${name}`, first, async ({ backend }, id) => {
    const requests = [first, ...later, first].map((sketch, n) => requestOf(sketch, `${id}/${n}`));
    await withKernel(backend, requests[0]!, async (kernel) => {
      for (const [n, request] of requests.entries())
        await ensureRuns(kernel, request, `run ${n + 1} of one kernel`);
    });
  });
}

/** Results may be written to, and later runs must not write to them. */
function ownMemory(name: string, sketch: Sketch): BehaviorCase {
  return behavior('life', `results-are-the-callers/${name}`, sketch, async ({ backend }, id) => {
    const requestFor = (n: number) => withEverything(requestOf(sketch, `${id}/${n}`), backend.capabilities);
    await withKernel(backend, requestFor(0), async (kernel) => {
      const dOutput = dOutputOf(sketch, id);
      const run = (n: number): Promise<Values> =>
        runKernel(kernel, resolveRequest(requestFor(n)).inputs, dOutput);
      const first = await run(0);
      const kept = structuredClone(first);
      const second = await run(1);
      ensureSameBits(first, kept, 'after a second run of the kernel');
      const all = [...Object.values(first), ...Object.values(second)];
      ensure(!all.some((a, n) => all.slice(n + 1).some((b) => overlap(a, b))), 'two results share memory');
      for (const { data } of Object.values(first)) data.fill(-7);
      ensureSameBits(await run(0), kept, 'after the caller has written to earlier results');
    });
  });
}

function overlap({ data: a }: Tensor, { data: b }: Tensor): boolean {
  if (a.buffer !== b.buffer) return false;
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;
}

/** Calls that overlap do not mix. */
function overlapping(name: string, sketch: Sketch): BehaviorCase {
  return behavior('life', `overlap/${name}`, sketch, async ({ backend }, id) => {
    const requests = Array.from({ length: 6 }, (_, n) => requestOf(sketch, `${id}/${n}`));
    await withKernel(backend, requests[0]!, async (kernel) => {
      const runs = requests.map((request) => kernel.run(resolveRequest(request).inputs));
      for (const [n, results] of (await Promise.all(runs)).entries()) {
        ensureAgrees(requests[n]!, results, `run ${n + 1} of 6 that overlap`);
      }
    });
  });
}

function overlappingKernels(): BehaviorCase {
  return behavior('life', 'overlap/several-kernels', [], async ({ backend }, id) => {
    const requests = [3, 40, 7, 65, 1].map((queryLength) =>
      requestOf({ queryLength, keyLength: 9 }, `${id}/${queryLength}`),
    );
    const runs = requests.map(async (request) => {
      const kernel = await backend.compile(resolveRequest(request).problem);
      const results = await kernel.run(resolveRequest(request).inputs);
      await kernel.dispose();
      return results;
    });
    for (const [n, results] of (await Promise.all(runs)).entries()) {
      ensureAgrees(requests[n]!, results, `kernel ${n + 1} of 5 that overlap`);
    }
  });
}

function overlappingGradients(): BehaviorCase {
  return behavior(
    'life',
    'overlap/forward-and-gradient',
    ['gradient', 'statistics'],
    async ({ backend }, id) => {
      const ids = [0, 1, 2, 3].map((n) => `${id}/${n}`);
      const alone: Values[] = [];
      for (const seed of ids) alone.push(await runAll(backend, requestOf({}, seed), dOutputOf({}, seed)));
      const request = withEverything(requestOf({}, id), backend.capabilities);
      await withKernel(backend, request, async (kernel) => {
        const runs = ids.map((seed) =>
          runKernel(
            kernel,
            resolveRequest(withEverything(requestOf({}, seed), backend.capabilities)).inputs,
            dOutputOf({}, seed),
          ),
        );
        for (const [n, values] of (await Promise.all(runs)).entries()) {
          ensureClose(values, alone[n]!, `forward and gradient ${n + 1} of 4 that overlap`);
        }
      });
    },
  );
}

function interleaved(): BehaviorCase {
  return behavior('life', 'two-kernels-in-turn', [], async ({ backend }, id) => {
    const small = (n: number) => requestOf({ queryLength: 3, headDim: 5 }, `${id}/small/${n}`);
    const large = (n: number) => requestOf({ queryLength: 70, headDim: 16 }, `${id}/large/${n}`);
    await withKernel(backend, small(0), (one) =>
      withKernel(backend, large(0), async (other) => {
        for (let n = 0; n < 3; n++) {
          await ensureRuns(one, small(n), `turn ${n + 1} of the small kernel`);
          await ensureRuns(other, large(n), `turn ${n + 1} of the large kernel`);
        }
      }),
    );
  });
}

export function callCases(): ConformanceCase[] {
  const lengths = { queryLength: 20, keyLength: 33 } as const;
  return [
    inTurn('other-numbers', {}, {}, {}),
    inTurn('across-tiles', { queryLength: 65 }, { queryLength: 65 }),
    inTurn('peaked-after-flat', { spread: 0.1 }, { spread: 50 }, { spread: 1 }),
    inTurn(
      'smaller-key-lengths-after-larger',
      { ...lengths, keyLengths: [33, 30] },
      { ...lengths, keyLengths: [2, 0] },
    ),
    inTurn(
      'larger-key-lengths-after-smaller',
      { ...lengths, keyLengths: [1, 0] },
      { ...lengths, keyLengths: [33, 31] },
    ),
    inTurn('query-lengths', { ...lengths, queryLengths: [20, 20] }, { ...lengths, queryLengths: [0, 3] }),
    inTurn(
      'offsets',
      { ...lengths, causal: true, alignment: { offset: 0 } },
      { ...lengths, causal: true, alignment: { offset: [13, -5] } },
    ),
    inTurn(
      'lengths-of-a-cache',
      { queryLength: 1, keyLength: 33, causal: true, alignment: 'bottomRight', keyLengths: [5, 9] },
      { queryLength: 1, keyLength: 33, causal: true, alignment: 'bottomRight', keyLengths: [6, 10] },
      { queryLength: 1, keyLength: 33, causal: true, alignment: 'bottomRight', keyLengths: [33, 11] },
    ),
    inTurn('segments', { segments: 'packed' }, { segments: 'scattered' }),
    inTurn('seeds', { selection: 'sample', seed: 1 }, { selection: 'sample', seed: 2 ** 40 }),
    inTurn(
      'denser-masks',
      { mask: { kind: 'boolean', shape: [7, 7], density: 0.1 } },
      { mask: { kind: 'boolean', shape: [7, 7], density: 1 } },
    ),
    ownMemory('plain', {}),
    ownMemory('gqa-bias', { heads: 4, kvHeads: 2, bias: { shape: [7, 7] } }),
    ownMemory('no-keys', { keyLength: 0 }),
    overlapping('plain', {}),
    overlapping('across-tiles', { queryLength: 65 }),
    overlapping('all-outputs', { outputs: ['output', 'weights', 'logSumExp', 'statistics'] }),
    ...['causal', 'key-lengths', 'alibi', 'softcap'].map((name) => overlapping(name, VARIATIONS[name]!)),
    overlappingKernels(),
    overlappingGradients(),
    interleaved(),
  ];
}
