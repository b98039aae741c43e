import {
  type AttentionBackend,
  type AttentionInputs,
  type AttentionKernel,
  type ResidentTensor,
  type Tensor,
  resolveRequest,
} from '@heed/core';
import type { CaseRequest } from '../../../case-request.ts';
import type { ConformanceCase } from '../../../case.ts';
import { type Sketch, requestOf } from '../../../sketch.ts';
import { ensureAgrees } from '../../building/agree.ts';
import { behavior, ensure } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';

/** Long enough that engines with threads of their own do not finish a run before its call returns. */
const SKETCH: Sketch = { batch: 2, heads: 4, kvHeads: 4, queryLength: 128, keyLength: 128, headDim: 16 };
const STEPS = 6;

/** A kernel, and its inputs in the backend's memory. */
interface Chain {
  readonly request: CaseRequest;
  readonly kernel: AttentionKernel;
  readonly query: ResidentTensor;
  readonly key: ResidentTensor;
  readonly value: ResidentTensor;
  readonly inputs: AttentionInputs;
}

async function chainOf(backend: AttentionBackend, id: string): Promise<Chain> {
  const request = requestOf(SKETCH, id);
  const { problem, inputs } = resolveRequest(request);
  const upload = (name: 'query' | 'key' | 'value'): Promise<ResidentTensor> =>
    backend.upload(inputs[name] as Tensor);
  const [query, key, value] = [await upload('query'), await upload('key'), await upload('value')];
  const kernel = await backend.compile(problem);
  return { request, kernel, query, key, value, inputs: { ...inputs, query, key, value } };
}

/** A run whose results stay; nobody waits for what it computes. */
async function step({ kernel, inputs }: Chain, query: ResidentTensor): Promise<ResidentTensor> {
  return (await kernel.run({ ...inputs, query }, { resident: true })).output!;
}

async function end({ kernel, query, key, value }: Chain, ...others: ResidentTensor[]): Promise<void> {
  for (const tensor of [query, key, value, ...others]) tensor.dispose();
  await kernel.dispose();
}

/** The output of a step from what its query was. */
function ensureStep({ request }: Chain, query: Tensor, output: Tensor, what: string): void {
  ensureAgrees({ ...request, query } as CaseRequest, { output }, what);
}

/** Results that a caller may have before they are computed. */
export function residentAheadCases(): ConformanceCase[] {
  return [
    behavior('resident', 'ahead/runs', [], async ({ backend }, id) => {
      const chain = await chainOf(backend, id);
      const outputs: ResidentTensor[] = [];
      for (let n = 0; n < STEPS; n++) outputs.push(await step(chain, outputs.at(-1) ?? chain.query));
      let query = chain.request.query as Tensor;
      for (const [n, resident] of outputs.entries()) {
        const output = await resident.read();
        ensureStep(chain, query, output, `run ${n} of ${STEPS} that nobody waited for`);
        query = output;
      }
      await end(chain, ...outputs);
    }),
    behavior('resident', 'ahead/memory', [], async ({ backend }, id) => {
      const chain = await chainOf(backend, id);
      const given = chain.request.query as Tensor;
      let expected = given;
      for (let n = 0; n < STEPS; n++) {
        const output = (await chain.kernel.run({ ...chain.inputs, query: expected })).output!;
        ensureStep(chain, expected, output, `run ${n} of ${STEPS}`);
        expected = output;
      }
      const mine: ResidentTensor[] = [];
      let last = await chain.query.copy();
      for (let n = 0; n < STEPS; n++) {
        const next = await step(chain, last);
        // The run may still read it; neither zeros nor what is uploaded may come to lie there before.
        last.dispose();
        mine.push(await backend.allocate(given.dtype, given.shape), await backend.upload(given));
        last = next;
      }
      const read = await last.read();
      for (const [n, tensor] of mine.entries()) {
        const { data } = await tensor.read();
        const isRight = data.every((number, at) => number === (n % 2 === 0 ? 0 : given.data[at]));
        ensure(
          isRight,
          `a tensor that was ${n % 2 === 0 ? 'allocated' : 'uploaded'} between runs has other numbers`,
        );
      }
      const isNear = read.data.every((number, at) => Math.abs(number - expected.data[at]!) < 1e-4);
      ensure(
        isNear,
        'runs whose queries were disposed behind the call differ from those that were waited for',
      );
      await end(chain, last, ...mine);
    }),
    behavior('resident', 'ahead/inputs', [], async ({ backend }, id) => {
      const request = requestOf(SKETCH, id);
      const { problem, inputs } = resolveRequest(requestOf(SKETCH, id));
      const kernel = await backend.compile(problem);
      const { output } = await kernel.run(inputs, { resident: true });
      // The run has resolved, and they are the caller's again.
      for (const name of ['query', 'key', 'value'] as const) (inputs[name] as Tensor).data.fill(7);
      ensureAgrees(
        request,
        { output: await output!.read() },
        'a run whose plain inputs were overwritten after it had resolved',
      );
      output!.dispose();
      await kernel.dispose();
    }),
    behavior('resident', 'ahead/writes', [], async ({ backend }, id) => {
      const chain = await chainOf(backend, id);
      const replacement = requestOf(SKETCH, `${id}/replacement`);
      const first = await step(chain, chain.query);
      const writing = chain.value.write(replacement.value as Tensor, { axis: 0, start: 0 });
      const second = await step(chain, chain.query);
      const copy = await second.copy();
      const overwriting = second.write(replacement.query as Tensor, { axis: 0, start: 0 });
      const third = await step(chain, second);
      await Promise.all([writing, overwriting]);
      const query = chain.request.query as Tensor;
      const behind = { ...chain, request: { ...chain.request, value: replacement.value } as CaseRequest };
      ensureStep(chain, query, await first.read(), 'a run before a write to its value');
      ensureStep(behind, query, await copy.read(), 'a copy of results before a write to them');
      ensureStep(
        behind,
        replacement.query as Tensor,
        await third.read(),
        'a run on results after a write to them',
      );
      ensureSameBits(
        { read: await second.read() },
        { read: replacement.query as Tensor },
        'results after a write to them',
      );
      await end(chain, first, second, copy, third);
    }),
    behavior('resident', 'ahead/abort', [], async ({ backend }, id) => {
      const chain = await chainOf(backend, id);
      const controller = new AbortController();
      const first = await step(chain, chain.query);
      const options = { resident: true, signal: controller.signal } as const;
      const second = (await chain.kernel.run({ ...chain.inputs, query: first }, options)).output!;
      const third = await step(chain, second);
      // Too late for runs that have resolved.
      controller.abort(new Error('the reason of the test'));
      const read = await Promise.all([first, second, third].map((tensor) => tensor.read()));
      let query = chain.request.query as Tensor;
      for (const [n, output] of read.entries()) {
        ensureStep(
          chain,
          query,
          output,
          `run ${n}, when the signal of run 1 was aborted after it had resolved`,
        );
        query = output;
      }
      await end(chain, first, second, third);
    }),
  ];
}
