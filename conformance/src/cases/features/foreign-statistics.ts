import {
  type AttentionBackend,
  type AttentionPart,
  type Tensor,
  mergeAttention,
  resolveRequest,
} from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import reference from '@heed/core/reference';
import type { ConformanceCase } from '../../case.ts';
import { expectationOf } from '../../judge/expectation.ts';
import { judgeGradients } from '../../judge/judge.ts';
import type { PlainInputs } from '../../judge/naive-scores.ts';
import { type Sketch, dOutputOf, requestOf } from '../../sketch.ts';
import { behavior, ensure } from '../building/behavior.ts';
import { someKeys } from './merge.ts';
import type { Purposes } from '../building/purposes.ts';

export const foreignStatisticsPurposes: Purposes = {
  'statistics/of-another-kernel': 'A gradient is as accurate with the statistics of another kernel.',
  'statistics/of-another-backend': 'A gradient is as accurate with the statistics of another backend.',
  'statistics/of-merged': 'A gradient is as accurate with merged statistics.',
};

async function forwardOf(backend: AttentionBackend, request: CaseRequest): Promise<AttentionPart> {
  const { problem, inputs } = resolveRequest({ ...request, gradient: false });
  const kernel = await backend.compile(problem);
  const { output, statistics } = await kernel.run(inputs);
  await kernel.dispose();
  return { output: output!, statistics: statistics! };
}

/** Where output and statistics may come from, other than from the kernel that computes the gradient. */
const SOURCES: Readonly<
  Record<string, (backend: AttentionBackend, request: CaseRequest) => Promise<AttentionPart>>
> = {
  'another-kernel': forwardOf,
  'another-backend': async (_, request) => forwardOf(await reference.create(), request),
  merged: async (backend, request) => {
    const keyLength = (request.key as Tensor).shape[2]!;
    const half = Math.floor(keyLength / 2);
    return mergeAttention([
      await forwardOf(backend, someKeys(request, 0, half)),
      await forwardOf(backend, someKeys(request, half, keyLength)),
    ]);
  },
};

/** The gradient with statistics from elsewhere: each engine rounds scores in its own way, and large ones by much. */
export function foreignStatisticsCases(): ConformanceCase[] {
  const lengths: Sketch = { batch: 1, queryLength: 4, keyLength: 64, headDim: 64 };
  return Object.entries(SOURCES).flatMap(([source, forward]) =>
    [1, 100, 1000].map((spread) => {
      const sketch: Sketch = { ...lengths, spread, gradient: true, outputs: ['output', 'statistics'] };
      return behavior('statistics', `of-${source}/scores-${spread}`, sketch, async ({ backend }, id) => {
        const request = requestOf(sketch, id);
        const dOutput = dOutputOf(sketch, id);
        const { problem, inputs } = resolveRequest(request);
        const kernel = await backend.compile(problem);
        const gradients = await kernel.gradient(inputs, { ...(await forward(backend, request)), dOutput });
        await kernel.dispose();
        const faults = judgeGradients(
          expectationOf(problem, inputs as PlainInputs, dOutput),
          gradients as never,
        ).flatMap(({ fault }) => fault ?? []);
        ensure(faults.length === 0, `the gradient with statistics of ${source}: ${faults.join('; ')}`);
      });
    }),
  );
}
