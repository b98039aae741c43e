import { type NormProblem, type ResidentTensor, type Tensor, tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { normFault } from '../../../judge/norm.ts';
import { ensure, ensureError, withBackend } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { type NormSketch, normCase, withNorm } from './sketch.ts';

const USUAL: NormSketch = { kind: 'layer', width: 24, rows: [2, 5], bias: true };

function residentCase(name: string, sketch: NormSketch): BehaviorCase {
  const asked = { ...sketch, gradient: true, residual: true };
  return normCase(`resident/${name}`, asked, async ({ backend, setting }) => {
    const { inputs, forward } = setting;
    await withNorm(backend, setting, async (kernel) => {
      const plain = { ...(await kernel.run(inputs)), ...(await kernel.gradient(inputs, forward)) };
      const made: ResidentTensor[] = [];
      const uploaded = async <T extends object>(tensors: T): Promise<{ [K in keyof T]: ResidentTensor }> => {
        const entries: [string, ResidentTensor][] = [];
        for (const [key, value] of Object.entries(tensors)) {
          const resident = await backend.upload(value as Tensor);
          made.push(resident);
          entries.push([key, resident]);
        }
        return Object.fromEntries(entries) as { [K in keyof T]: ResidentTensor };
      };
      const there = await uploaded(inputs);
      const others = await uploaded(forward);
      const results = {
        ...(await kernel.run(there, { resident: true })),
        ...(await kernel.gradient(there, others as never, { resident: true })),
      };
      const read: Record<string, Tensor> = {};
      for (const [key, resident] of Object.entries(results) as [string, ResidentTensor][]) {
        read[key] = await resident.read();
        made.push(resident);
      }
      ensureSameBits(read, plain, 'resident inputs and results');
      for (const resident of made) resident.dispose();
    });
  });
}

export function normLifeCases(): BehaviorCase[] {
  const other = tensor(new Float32Array(3), [3]);
  return [
    residentCase('layer', USUAL),
    residentCase('rms', { ...USUAL, kind: 'rms' }),
    normCase('errors', USUAL, async ({ backend, setting: { problem, inputs, forward } }) => {
      const compiled = (change: object) => () =>
        backend.norm!.compile({ ...problem, ...change } as NormProblem);
      await ensureError(compiled({ width: 0 }), 'ARGUMENT', 'width: 0');
      await ensureError(compiled({ kind: 'batch' }), 'ARGUMENT', 'an unknown kind');
      await ensureError(compiled({ epsilon: 0 }), 'ARGUMENT', 'epsilon: 0');
      await ensureError(compiled({ eps: 1e-5 }), 'UNKNOWN_OPTION', 'an unknown name in the problem');
      await withNorm(backend, { problem }, async (kernel) => {
        const running = (given: object, options?: object) => () =>
          kernel.run({ ...inputs, ...given }, options as never);
        await ensureError(running({ input: undefined }), 'MISSING_INPUT', 'no input');
        await ensureError(running({ weight: undefined }), 'MISSING_INPUT', 'no weight');
        await ensureError(running({ bias: undefined }), 'MISSING_INPUT', 'no bias');
        await ensureError(running({ input: other }), 'SHAPE', 'an input of another width');
        await ensureError(running({ weight: other }), 'SHAPE', 'a weight of another width');
        const wide = { ...inputs.input, dtype: 'float64', data: Float64Array.from(inputs.input.data) };
        await ensureError(running({ input: wide }), 'DTYPE', 'an input of another type');
        await ensureError(running({ scale: 1 }), 'UNKNOWN_OPTION', 'an unknown name in the inputs');
        await ensureError(running({}, { resident: 1 }), 'ARGUMENT', 'resident: 1');
        const asked = () => kernel.gradient(inputs, forward);
        await ensureError(asked, 'NOT_DIFFERENTIABLE', 'a gradient that was not compiled');
        const { output } = await kernel.run(inputs);
        const fault = normFault(problem, inputs, output);
        ensure(fault === null, `after mistakes: ${fault}`);
      });
      await withNorm(backend, { problem: { ...problem, bias: false, gradient: true } }, async (kernel) => {
        await ensureError(() => kernel.run(inputs), 'UNEXPECTED_INPUT', 'a bias that the problem lacks');
        const { bias: _, ...plain } = inputs;
        const back = (given: object) => () => kernel.gradient(plain, given as never);
        await ensureError(back({}), 'MISSING_INPUT', 'no dOutput');
        await ensureError(back({ dOutput: other }), 'SHAPE', 'a dOutput of another shape');
        await ensureError(back({ ...forward, dResidual: other }), 'SHAPE', 'a dResidual of another shape');
      });
    }),
    normCase('dispose', { ...USUAL, rows: [200] }, async (subject) => {
      await withBackend(subject, async (backend) => {
        const { problem, inputs } = subject.setting;
        const kernel = await backend.norm!.compile(problem);
        const last = kernel.run(inputs);
        await kernel.dispose();
        const { output } = await last;
        const fault = normFault(problem, inputs, output);
        ensure(fault === null, `a run whose kernel was disposed: ${fault}`);
        await ensureError(() => kernel.run(inputs), 'DISPOSED', 'a kernel after dispose()');
        const another = await backend.norm!.compile(problem);
        await backend.dispose();
        await ensureError(() => another.run(inputs), 'DISPOSED', 'a kernel of a disposed backend');
        await ensureError(() => backend.norm!.compile(problem), 'DISPOSED', 'a disposed backend');
      });
    }),
  ];
}
