import { attention, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../../case-request.ts';
import type { ConformanceCase } from '../../../case.ts';
import { dOutputOf, requestOf } from '../../../sketch.ts';
import { ensureAgrees } from '../../building/agree.ts';
import { behavior, ensure } from '../../building/behavior.ts';

async function reasonOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('the run was aborted before it began and gave results');
}

export function abortCases(): ConformanceCase[] {
  const reason = new Error('the reason of the test');
  return [
    behavior('life', 'abort/before-the-run', [], async ({ backend }, id) => {
      const request = requestOf({}, id);
      const { problem, inputs } = resolveRequest(request);
      const kernel = await backend.compile(problem);
      const thrown = await reasonOf(() => kernel.run(inputs, { signal: AbortSignal.abort(reason) }));
      ensure(thrown === reason, `run() must reject with the signal's reason, it was ${String(thrown)}`);
      ensureAgrees(request, await kernel.run(inputs), 'the run after an aborted one');
      await kernel.dispose();
    }),
    behavior('life', 'abort/through-attention', [], async ({ backend }, id) => {
      const request = requestOf({}, id) as CaseRequest & { gradient?: false };
      const thrown = await reasonOf(() => attention(backend, request, { signal: AbortSignal.abort(reason) }));
      ensure(thrown === reason, `attention() must reject with the signal's reason, it was ${String(thrown)}`);
    }),
    behavior('life', 'abort/before-the-gradient', ['gradient', 'statistics'], async ({ backend }, id) => {
      const { problem, inputs } = resolveRequest(
        requestOf({ gradient: true, outputs: ['output', 'statistics'] }, id),
      );
      const kernel = await backend.compile(problem);
      const { output, statistics } = await kernel.run(inputs);
      const forward = { output: output!, statistics: statistics!, dOutput: dOutputOf({}, id) };
      const thrown = await reasonOf(() =>
        kernel.gradient(inputs, forward, { signal: AbortSignal.abort(reason) }),
      );
      await kernel.dispose();
      ensure(thrown === reason, `gradient() must reject with the signal's reason, it was ${String(thrown)}`);
    }),
    behavior('life', 'abort/during-the-run', [], async ({ backend }, id) => {
      const request = requestOf({ queryLength: 70 }, id);
      const { problem, inputs } = resolveRequest(request);
      const kernel = await backend.compile(problem);
      const controller = new AbortController();
      const run = kernel.run(inputs, { signal: controller.signal });
      controller.abort(reason);
      // A run that is too far on may finish; then it must be right.
      const [ended] = await Promise.allSettled([run]);
      if (ended.status === 'fulfilled')
        ensureAgrees(request, ended.value, 'the run that was aborted too late');
      else
        ensure(ended.reason === reason, `run() must reject with the reason, it was ${String(ended.reason)}`);
      ensureAgrees(request, await kernel.run(inputs), 'the run after an aborted one');
      await kernel.dispose();
    }),
    behavior('life', 'abort/never', [], async ({ backend }, id) => {
      const request = requestOf({}, id);
      const { problem, inputs } = resolveRequest(request);
      const kernel = await backend.compile(problem);
      ensureAgrees(
        request,
        await kernel.run(inputs, { signal: new AbortController().signal }),
        'a run with a signal',
      );
      await kernel.dispose();
    }),
  ];
}
