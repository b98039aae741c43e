import {
  type AttentionBackend,
  type AttentionInputs,
  type AttentionResults,
  type ResidentTensor,
  type Tensor,
  attention,
  isResident,
  resolveRequest,
} from '@heed/core';
import type { CaseRequest } from '../../../case-request.ts';
import type { ConformanceCase } from '../../../case.ts';
import { type Sketch, dOutputOf, requestOf } from '../../../sketch.ts';
import { ensureAgrees } from '../../building/agree.ts';
import { behavior, ensure, ensureError } from '../../building/behavior.ts';
import { VARIATIONS } from '../../building/variations.ts';

const RESIDENT_INPUTS = [
  'query',
  'key',
  'value',
  'mask',
  'bias',
  'querySegments',
  'keySegments',
  'alibiSlopes',
  'sinks',
] as const;

/** The same inputs, all that may be resident in the backend's memory. */
async function uploaded(backend: AttentionBackend, inputs: AttentionInputs): Promise<AttentionInputs> {
  const resident: Record<string, ResidentTensor> = {};
  for (const name of RESIDENT_INPUTS) {
    const given = inputs[name];
    if (given !== undefined) resident[name] = await backend.upload(given as Tensor);
  }
  return { ...inputs, ...resident };
}

/** Disposes the resident tensors of a structure, those of its statistics too. */
function release(structure: object): void {
  for (const [name, value] of Object.entries(structure)) {
    if (isResident(value)) value.dispose();
    else if (name === 'statistics' && value !== undefined) release(value as object);
  }
}

async function readAll(results: AttentionResults<ResidentTensor>): Promise<AttentionResults<Tensor>> {
  const read = async (structure: object): Promise<object> =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(structure).map(async ([name, value]) => {
          if (!isResident(value) && name !== 'statistics')
            throw new Error(`the result ${name} is not resident`);
          return [name, isResident(value) ? await value.read() : await read(value)];
        }),
      ),
    );
  return read(results);
}

/** A request for plain results. */
function plainRequest(sketch: Sketch, id: string): CaseRequest & { gradient?: false } {
  return requestOf(sketch, id) as CaseRequest & { gradient?: false };
}

export function residentRunCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = {
    ...VARIATIONS,
    argmax: { selection: 'argmax', outputs: ['output', 'choice'] },
    'all-outputs': { outputs: ['output', 'weights', 'logSumExp', 'statistics'] },
  };
  return [
    ...Object.entries(sketches).map(([name, sketch]) =>
      behavior('resident', `inputs-and-results/${name}`, sketch, async ({ backend }, id) => {
        const request = requestOf(sketch, id);
        const { problem, inputs } = resolveRequest(request);
        const kernel = await backend.compile(problem);
        const resident = await uploaded(backend, inputs);
        ensureAgrees(request, await kernel.run(resident), 'plain results of resident inputs');
        const results = await kernel.run(resident, { resident: true });
        ensureAgrees(request, await readAll(results), 'resident results of resident inputs');
        const ofPlain = await kernel.run(inputs, { resident: true });
        await kernel.dispose();
        ensureAgrees(
          request,
          await readAll(ofPlain),
          'resident results, read after their kernel was disposed',
        );
        for (const structure of [resident, results, ofPlain]) release(structure);
      }),
    ),
    behavior('resident', 'results-into-the-next-run', [], async ({ backend }, id) => {
      const request = requestOf({}, id);
      const { problem, inputs } = resolveRequest(request);
      const kernel = await backend.compile(problem);
      const { output } = await kernel.run(inputs, { resident: true });
      const second = await kernel.run({ ...inputs, value: output! });
      ensureAgrees(
        { ...request, value: await output!.read() },
        second,
        'a run on the resident output of another',
      );
      output!.dispose();
      await kernel.dispose();
    }),
    behavior('resident', 'results-are-apart', [], async ({ backend }, id) => {
      const { problem, inputs } = resolveRequest(requestOf({}, id));
      const kernel = await backend.compile(problem);
      const first = await kernel.run(inputs, { resident: true });
      const before = await first.output!.read();
      const other = await kernel.run(resolveRequest(requestOf({}, `${id}/other`)).inputs, { resident: true });
      ensure(
        (await first.output!.read()).data.every((number, n) => number === before.data[n]),
        'a second run has changed the resident output of the first',
      );
      other.output!.dispose();
      await first.output!.read();
      first.output!.dispose();
      await kernel.dispose();
    }),
    behavior('resident', 'write-seen-by-the-next-run', [], async ({ backend }, id) => {
      const request = requestOf({}, id);
      const { problem, inputs } = resolveRequest(request);
      const kernel = await backend.compile(problem);
      const value = await backend.upload(inputs.value as Tensor);
      await kernel.run({ ...inputs, value });
      const replacement = requestOf({}, `${id}/replacement`).value as Tensor;
      await value.write(replacement, { axis: 0, start: 0 });
      const results = await kernel.run({ ...inputs, value });
      ensureAgrees({ ...request, value: replacement }, results, 'a run after its resident value was written');
      value.dispose();
      await kernel.dispose();
    }),
    ...(['first', 'later'] as const).map((which) =>
      behavior('resident', `write-after-a-call/${which}`, [], async ({ backend }, id) => {
        const sketch: Sketch = { queryLength: which === 'first' ? 9 : 11 };
        const request = plainRequest(sketch, id);
        const value = await backend.upload(request.value as Tensor);
        if (which === 'later') await attention(backend, { ...request, value });
        const run = attention(backend, { ...request, value });
        const replacement = plainRequest(sketch, `${id}/replacement`);
        const write = value.write(replacement.value as Tensor, { axis: 0, start: 0 });
        const next = attention(backend, { ...request, value });
        ensureAgrees(request, await run, 'a call before its resident value was written');
        await write;
        ensureAgrees({ ...request, value: replacement.value }, await next, 'a call after it was written');
        value.dispose();
      }),
    ),
    behavior('resident', 'dispose-after-a-call', [], async ({ backend }, id) => {
      const request = plainRequest({ queryLength: 13 }, id);
      const value = await backend.upload(request.value as Tensor);
      const run = attention(backend, { ...request, value });
      value.dispose();
      ensureAgrees(request, await run, 'a call before its resident value was disposed');
      await ensureError(
        () => attention(backend, { ...request, value }),
        'DISPOSED',
        'a call after it was disposed',
      );
    }),
    behavior('resident', 'gradient', ['gradient', 'statistics'], async ({ backend }, id) => {
      const sketch: Sketch = { gradient: true, outputs: ['output', 'statistics'] };
      const { problem, inputs } = resolveRequest(requestOf(sketch, id));
      const kernel = await backend.compile(problem);
      const dOutput = dOutputOf(sketch, id);
      const plain = await kernel.run(inputs);
      const expected = await kernel.gradient(inputs, {
        output: plain.output!,
        statistics: plain.statistics!,
        dOutput,
      });
      const resident = await uploaded(backend, inputs);
      const { output, statistics } = await kernel.run(resident, { resident: true });
      const forward = { output: output!, statistics: statistics!, dOutput: await backend.upload(dOutput) };
      const gradients = await kernel.gradient(resident, forward);
      const kept = await kernel.gradient(resident, forward, { resident: true });
      for (const name of ['dQuery', 'dKey', 'dValue'] as const) {
        for (const actual of [gradients[name], await kept[name].read()]) {
          const near = actual.data.every((number, n) => Math.abs(number - expected[name].data[n]!) < 1e-5);
          ensure(near, `${name} of resident tensors differs from that of plain ones`);
        }
      }
      for (const structure of [resident, forward, kept]) release(structure);
      await kernel.dispose();
    }),
  ];
}
