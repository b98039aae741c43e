import { type Tensor, attention, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../../case-request.ts';
import type { ConformanceCase } from '../../../case.ts';
import { dOutputOf, requestOf } from '../../../sketch.ts';
import { ensureAgrees } from '../../building/agree.ts';
import { behavior, ensure, ensureError, withBackend } from '../../building/behavior.ts';

export function disposeCases(): ConformanceCase[] {
  return [
    behavior('life', 'dispose/kernel', [], async ({ backend }, id) => {
      const { problem, inputs } = resolveRequest(requestOf({}, id));
      const kernel = await backend.compile(problem);
      await kernel.run(inputs);
      await kernel.dispose();
      await ensureError(() => kernel.run(inputs), 'DISPOSED', 'run() after dispose()');
      await kernel.dispose();
    }),
    behavior('life', 'dispose/kernel-gradient', ['gradient', 'statistics'], async ({ backend }, id) => {
      const { problem, inputs } = resolveRequest(
        requestOf({ gradient: true, outputs: ['output', 'statistics'] }, id),
      );
      const kernel = await backend.compile(problem);
      const { output, statistics } = await kernel.run(inputs);
      await kernel.dispose();
      const forward = { output: output!, statistics: statistics!, dOutput: dOutputOf({}, id) };
      await ensureError(() => kernel.gradient(inputs, forward), 'DISPOSED', 'gradient() after dispose()');
    }),
    behavior('life', 'dispose/kernel-leaves-others', [], async ({ backend }, id) => {
      const request = requestOf({}, id);
      const { problem, inputs } = resolveRequest(request);
      const [one, other] = [await backend.compile(problem), await backend.compile(problem)];
      await one.dispose();
      ensureAgrees(
        request,
        await other.run(inputs),
        'a kernel after another of the same problem was disposed',
      );
      await other.dispose();
    }),
    behavior('life', 'dispose/kernel-waits-for-runs', [], async ({ backend }, id) => {
      const request = requestOf({ queryLength: 40 }, id);
      const { problem, inputs } = resolveRequest(request);
      const kernel = await backend.compile(problem);
      const run = kernel.run(inputs);
      await kernel.dispose();
      ensureAgrees(request, await run, 'a run that was under way when the kernel was disposed');
    }),
    behavior('life', 'dispose/await-using', [], async (subject, id) => {
      const { problem, inputs } = resolveRequest(requestOf({}, id));
      await withBackend(subject, async (backend) => {
        const kernel = await backend.compile(problem);
        ensure(typeof kernel[Symbol.asyncDispose] === 'function', 'the kernel has no [Symbol.asyncDispose]');
        await kernel[Symbol.asyncDispose]();
        await ensureError(() => kernel.run(inputs), 'DISPOSED', 'run() after [Symbol.asyncDispose]()');
        ensure(
          typeof backend[Symbol.asyncDispose] === 'function',
          'the backend has no [Symbol.asyncDispose]',
        );
        await backend[Symbol.asyncDispose]();
        await ensureError(
          () => backend.compile(problem),
          'DISPOSED',
          'compile() after [Symbol.asyncDispose]()',
        );
      });
    }),
    behavior('life', 'dispose/backend', [], async (subject, id) => {
      const request = requestOf({}, id) as CaseRequest & { gradient?: false };
      const { problem, inputs } = resolveRequest(request);
      await withBackend(subject, async (backend) => {
        const kernel = await backend.compile(problem);
        await attention(backend, request);
        await backend.dispose();
        await ensureError(
          () => backend.compile(problem),
          'DISPOSED',
          'compile() after the backend was disposed',
        );
        await ensureError(() => backend.upload(request.query as never), 'DISPOSED', 'upload() after that');
        await ensureError(() => kernel.run(inputs), 'DISPOSED', 'run() of its kernel after that');
        await ensureError(() => attention(backend, request), 'DISPOSED', 'attention() after that');
        await backend.dispose();
      });
    }),
    behavior('life', 'dispose/refuses-from-the-call-on', [], async (subject, id) => {
      const { problem, inputs } = resolveRequest(requestOf({}, id));
      await withBackend(subject, async (backend) => {
        const [one, other] = [await backend.compile(problem), await backend.compile(problem)];
        const ending = one.dispose();
        await ensureError(() => one.run(inputs), 'DISPOSED', 'run() while the kernel ends');
        await ending;
        const resident = await backend.upload(inputs.query as Tensor);
        const run = other.run(inputs);
        const all = backend.dispose();
        await ensureError(() => resident.read(), 'DISPOSED', 'read() while the backend ends');
        const whole = { axis: 0, start: 0 };
        await ensureError(
          () => resident.write(inputs.query as Tensor, whole),
          'DISPOSED',
          'write() while the backend ends',
        );
        await run;
        await ensureError(() => backend.compile(problem), 'DISPOSED', 'compile() while the backend ends');
        await ensureError(() => other.run(inputs), 'DISPOSED', 'run() while the backend ends');
        await all;
      });
    }),
    behavior('life', 'dispose/while-compiling', [], async (subject, id) => {
      const request = requestOf({}, id) as CaseRequest & { gradient?: false };
      await withBackend(subject, async (backend) => {
        const before = attention(backend, request);
        const ending = backend.dispose();
        const after = attention(backend, request);
        // The kernel may be there before the end, or not.
        const [first] = await Promise.allSettled([before, after, ending]);
        if (first.status === 'fulfilled') ensureAgrees(request, first.value, 'a call before dispose()');
        else await ensureError(() => before, 'DISPOSED', 'a call whose kernel was compiled after dispose()');
        await ensureError(() => after, 'DISPOSED', 'attention() while the backend ends');
      });
    }),
    behavior('life', 'dispose/backend-waits-for-runs', [], async (subject, id) => {
      const request = requestOf({ queryLength: 40 }, id);
      const { problem, inputs } = resolveRequest(request);
      await withBackend(subject, async (backend) => {
        const kernel = await backend.compile(problem);
        const run = kernel.run(inputs);
        await backend.dispose();
        ensureAgrees(request, await run, 'a run that was under way when the backend was disposed');
      });
    }),
    behavior('life', 'dispose/results-stay', [], async (subject, id) => {
      const request = requestOf({}, id);
      const { problem, inputs } = resolveRequest(request);
      await withBackend(subject, async (backend) => {
        const kernel = await backend.compile(problem);
        const results = await kernel.run(inputs);
        await backend.dispose();
        ensureAgrees(request, results, 'plain results after the backend was disposed');
      });
    }),
  ];
}
