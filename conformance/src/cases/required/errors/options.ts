import type { AttentionKernel, AttentionProblem, HeedErrorCode } from '@heed/core';
import { resolveRequest } from '@heed/core';
import type { ConformanceCase, Subject } from '../../../case.ts';
import { type Sketch, dOutputOf, requestOf } from '../../../sketch.ts';
import { behavior, ensureError } from '../../building/behavior.ts';

/** Values that no version of any backend takes. */
const UNKNOWN = { notAnOption: true };

const CREATE: Readonly<Record<string, { readonly code: HeedErrorCode; readonly options: unknown }>> = {
  unknown: { code: 'UNKNOWN_OPTION', options: UNKNOWN },
  null: { code: 'ARGUMENT', options: null },
  'a-string': { code: 'ARGUMENT', options: 'fast' },
};

const RUN: typeof CREATE = {
  ...CREATE,
  'resident/a-string': { code: 'ARGUMENT', options: { resident: 'yes' } },
  'signal/controller': { code: 'ARGUMENT', options: { signal: new AbortController() } },
};

async function withKernel(
  { backend }: Subject,
  sketch: Sketch,
  work: (kernel: AttentionKernel, request: ReturnType<typeof resolveRequest>) => Promise<void>,
): Promise<void> {
  const request = resolveRequest(requestOf(sketch, 'options'));
  const kernel = await backend.compile(request.problem);
  try {
    await work(kernel, request);
  } finally {
    await kernel.dispose();
  }
}

const GRADIENT: Sketch = { gradient: true, outputs: ['output', 'statistics'] };

/** An option that does not exist has one code, wherever it is written. One that is undefined is left out. */
export function optionErrorCases(): ConformanceCase[] {
  return [
    ...Object.entries(CREATE).map(([name, { code, options }]) =>
      behavior('errors', `create/options/${name}`, [], ({ provider }) =>
        ensureError(() => disposed(provider.create(options)), code, `the options ${name} of create()`),
      ),
    ),
    behavior('errors', 'create/options/undefined', [], async ({ provider }) => {
      await disposed(provider.create({ notAnOption: undefined }));
    }),
    ...Object.entries(RUN).map(([name, { code, options }]) =>
      behavior('errors', `run/options/${name}`, [], (subject) =>
        withKernel(subject, {}, (kernel, { inputs }) =>
          ensureError(() => kernel.run(inputs, options as never), code, `the options ${name} of run()`),
        ),
      ),
    ),
    ...Object.entries(RUN).map(([name, { code, options }]) =>
      behavior('errors', `gradient/options/${name}`, ['gradient', 'statistics'], (subject) =>
        withKernel(subject, GRADIENT, async (kernel, { inputs }) => {
          const { output, statistics } = await kernel.run(inputs);
          const forward = { output: output!, statistics: statistics!, dOutput: dOutputOf({}, 'options') };
          const gradient = (): unknown => kernel.gradient(inputs, forward, options as never);
          await ensureError(gradient, code, `the options ${name} of gradient()`);
        }),
      ),
    ),
    behavior('errors', 'compile/unknown-member', [], ({ backend }) => {
      const problem: AttentionProblem = { ...resolveRequest(requestOf({}, 'options')).problem, ...UNKNOWN };
      return ensureError(
        () => backend.compile(problem),
        'UNKNOWN_OPTION',
        'a problem with a member too many',
      );
    }),
  ];
}

async function disposed(creation: ReturnType<Subject['provider']['create']>): Promise<void> {
  await (await creation).dispose();
}
