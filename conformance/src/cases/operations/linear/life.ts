import { type LinearProblem, type Tensor, attention, tensor } from '@heed/core';
import type { BehaviorCase } from '../../../case.ts';
import { linearFault } from '../../../judge/linear.ts';
import { ensure, ensureError, withBackend } from '../../building/behavior.ts';
import { ensureSameBits } from '../../building/run-all.ts';
import { transferDuring } from '../../building/transfer.ts';
import { type LinearSketch, linearCase, outputOf, settingOf, withWeights } from './sketch.ts';

const USUAL: LinearSketch = { inputDim: 24, outputDim: 20, rows: [2, 5], bias: true };

function residentCases(): BehaviorCase[] {
  return [
    linearCase('resident', { ...USUAL, activation: 'gelu', gradient: true }, async ({ backend, setting }) => {
      const { problem, parameters, input, dOutput } = setting;
      const plain = await withWeights(backend, setting, async (kernel, weights) => {
        const { output } = await kernel.run({ input, weights });
        return { output, ...(await kernel.gradient({ input, weights }, { dOutput })) };
      });
      const there = {
        input: await backend.upload(input),
        dOutput: await backend.upload(dOutput),
        weight: await backend.upload(parameters.weight),
        bias: await backend.upload(parameters.bias!),
      };
      const kernel = await backend.linear!.compile(problem);
      const weights = await kernel.pack({ weight: there.weight, bias: there.bias });
      const { output } = await kernel.run({ input: there.input, weights }, { resident: true });
      const forward = { dOutput: there.dOutput };
      const gradients = await kernel.gradient({ input: there.input, weights }, forward, { resident: true });
      await kernel.dispose();
      const read = {
        output: await output.read(),
        dInput: await gradients.dInput.read(),
        dWeight: await gradients.dWeight.read(),
        dBias: await gradients.dBias!.read(),
      };
      ensureSameBits(read, plain, 'resident inputs and results');
      const all = [...Object.values(there), output, gradients.dInput, gradients.dWeight, gradients.dBias!];
      for (const resident of all) resident.dispose();
    }),
    linearCase(
      'into-attention',
      { inputDim: 12, outputDim: 16, rows: [2, 6] },
      async ({ backend, setting }) => {
        const plain = await outputOf(backend, setting);
        const asHeads = (value: Tensor): Tensor => {
          const heads = { ...value, shape: [2, 2, 3, 16] };
          return heads;
        };
        const x = asHeads(plain);
        const expected = await attention(backend, { query: x, key: x, value: x });
        await withWeights(backend, setting, async (kernel, weights) => {
          const { output } = await kernel.run({ input: setting.input, weights }, { resident: true });
          const heads = output.view([2, 2, 3, 16]);
          output.dispose();
          const actual = await attention(backend, { query: heads, key: heads, value: heads });
          ensureSameBits({ output: actual.output }, { output: expected.output }, 'a view of a projection');
          heads.dispose();
        });
      },
    ),
  ];
}

function errorCases(): BehaviorCase[] {
  const other = tensor(new Float32Array(3), [3]);
  return [
    linearCase('errors', USUAL, async ({ backend, setting }, id) => {
      const { problem, parameters, input } = setting;
      const linear = backend.linear!;
      const compiled = (change: object) => () => linear.compile({ ...problem, ...change } as LinearProblem);
      await ensureError(compiled({ outputDim: 0 }), 'ARGUMENT', 'outputDim: 0');
      await ensureError(compiled({ inputDim: undefined }), 'ARGUMENT', 'no inputDim');
      await ensureError(compiled({ activation: 'swish' }), 'ARGUMENT', 'an unknown activation');
      await ensureError(compiled({ rows: 3 }), 'UNKNOWN_OPTION', 'an unknown name in the problem');
      await withWeights(backend, setting, async (kernel, weights) => {
        const { weight, bias } = parameters;
        const packing = (given: object) => () => kernel.pack(given as never);
        await ensureError(packing({ bias }), 'MISSING_INPUT', 'no weight');
        await ensureError(packing({ weight }), 'MISSING_INPUT', 'no bias');
        await ensureError(packing({ weight: other, bias }), 'SHAPE', 'a weight of another shape');
        await ensureError(packing({ weight, bias: other }), 'SHAPE', 'a bias of another shape');
        await ensureError(packing({ weight, bias, scale: 1 }), 'UNKNOWN_OPTION', 'an unknown name in pack()');
        const running = (given: object, options?: object) => () =>
          kernel.run({ input, weights, ...given }, options as never);
        await ensureError(running({ input: undefined }), 'MISSING_INPUT', 'no input');
        await ensureError(running({ input: other }), 'SHAPE', 'an input of another width');
        const wide = { ...input, dtype: 'float64', data: Float64Array.from(input.data) };
        await ensureError(running({ input: wide }), 'DTYPE', 'an input of another type');
        await ensureError(running({ weights: undefined }), 'MISSING_INPUT', 'no weights');
        await ensureError(running({ weights: weight }), 'MISSING_INPUT', 'a tensor for weights');
        await ensureError(running({}, { resident: 1 }), 'ARGUMENT', 'resident: 1');
        const asked = () => kernel.gradient({ input, weights }, { dOutput: input });
        await ensureError(asked, 'NOT_DIFFERENTIABLE', 'a gradient that was not compiled');
        await withWeights(backend, settingOf(USUAL, id), async (_, foreign) => {
          await ensureError(running({ weights: foreign }), 'FOREIGN_TENSOR', 'weights of another kernel');
        });
        const { output } = await kernel.run({ input, weights });
        const fault = linearFault(problem, parameters, input, output);
        ensure(fault === null, `after mistakes: ${fault}`);
      });
      const plain = await linear.compile({ ...problem, bias: false });
      await ensureError(() => plain.pack(parameters), 'UNEXPECTED_INPUT', 'a bias that the problem lacks');
      await plain.dispose();
    }),
    linearCase('dispose', { ...USUAL, rows: [60] }, async (subject) => {
      await withBackend(subject, async (backend) => {
        const { problem, parameters, input } = subject.setting;
        const kernel = await backend.linear!.compile(problem);
        const weights = await kernel.pack(parameters);
        const late = await kernel.pack(parameters);
        const running = kernel.run({ input, weights });
        weights.dispose();
        weights.dispose();
        const { output } = await running;
        const fault = linearFault(problem, parameters, input, output);
        ensure(fault === null, `a run whose weights were disposed: ${fault}`);
        await ensureError(() => kernel.run({ input, weights }), 'DISPOSED', 'weights after dispose()');
        const last = kernel.run({ input, weights: late });
        await kernel.dispose();
        await last;
        await ensureError(() => kernel.run({ input, weights: late }), 'DISPOSED', 'a kernel after dispose()');
        const another = await backend.linear!.compile(problem);
        await backend.dispose();
        await ensureError(() => another.pack(parameters), 'DISPOSED', 'a kernel of a disposed backend');
        await ensureError(() => backend.linear!.compile(problem), 'DISPOSED', 'a disposed backend');
      });
    }),
  ];
}

export function linearLifeCases(): BehaviorCase[] {
  return [
    ...residentCases(),
    linearCase('weights-are-kept', USUAL, async ({ backend, setting }) => {
      const expected = await outputOf(backend, setting);
      const given = structuredClone(setting.parameters);
      await withWeights(backend, { ...setting, parameters: given }, async (kernel, weights) => {
        given.weight.data.fill(NaN);
        given.bias!.data.fill(NaN);
        const { output } = await kernel.run({ input: setting.input, weights });
        ensureSameBits({ output }, { output: expected }, 'after a change to the original weights');
      });
    }),
    linearCase('transferred', USUAL, async ({ backend, setting }) => {
      const { problem, parameters, input } = setting;
      const isRight = (output: Tensor, what: string): void => {
        const fault = linearFault(problem, parameters, input, output);
        ensure(fault === null, `${what}: ${fault}`);
      };
      await withWeights(backend, setting, async (kernel, weights) => {
        await transferDuring(
          () => {
            const given = structuredClone(input);
            return { given: [given], result: kernel.run({ input: given, weights }) };
          },
          ({ output }, what) => isRight(output, what),
        );
        await transferDuring(
          () => {
            const { weight, bias } = structuredClone(parameters);
            return { given: [weight, bias!], result: kernel.pack({ weight, bias }) };
          },
          async (packed, what) => isRight((await kernel.run({ input, weights: packed })).output, what),
        );
      });
    }),
    linearCase('weights-apart', USUAL, async ({ backend, setting }) => {
      const { input } = setting;
      const others = settingOf(USUAL, 'others');
      const [first, second] = [
        await outputOf(backend, setting),
        await outputOf(backend, { ...others, input }),
      ];
      await withWeights(backend, setting, async (kernel, weights) => {
        const more = await kernel.pack(others.parameters);
        const runs = await Promise.all([
          kernel.run({ input, weights }),
          kernel.run({ input, weights: more }),
        ]);
        more.dispose();
        const again = await kernel.run({ input, weights });
        ensureSameBits({ output: runs[0].output }, { output: first }, 'the first weights beside others');
        ensureSameBits({ output: runs[1].output }, { output: second }, 'the second weights');
        ensureSameBits({ output: again.output }, { output: first }, 'the first weights after the others');
      });
    }),
    ...errorCases(),
  ];
}
