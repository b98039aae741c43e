import {
  type AttentionInputs,
  type AttentionResults,
  type ResidentTensor,
  type Tensor,
  resolveRequest,
} from '@heed/core';
import type { ConformanceCase } from '../../case.ts';
import { type Sketch, dOutputOf, requestOf } from '../../sketch.ts';
import type { Values } from '../../judge/expectation.ts';
import { ensureAgrees } from '../building/agree.ts';
import { behavior, ensure } from '../building/behavior.ts';
import { ensureClose, ensureSameBits, runKernel, withEverything } from '../building/run-all.ts';
import { transferDuring } from '../building/transfer.ts';
import { VARIATIONS } from '../building/variations.ts';
import type { Purposes } from '../building/purposes.ts';

export const inputsPurposes: Purposes = {
  'inputs/never-written':
    'Neither a run nor a gradient writes to inputs, shapes or the objects that hold them.',
  'inputs/transferred':
    'A call whose inputs are transferred before it ends gives its right result or rejects with SHAPE.',
};

export function inputsCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = {
    ...VARIATIONS,
    argmax: { selection: 'argmax' },
    sample: { selection: 'sample', seed: 3 },
    'non-finite-numbers': { keyLengths: [3, 7] },
  };
  const neverWritten = Object.entries(sketches).map(([name, sketch]) =>
    behavior('inputs', `never-written/${name}`, sketch, async ({ backend }, id) => {
      const fresh = () => {
        const request = requestOf(sketch, id);
        if (name === 'non-finite-numbers') (request.key as Tensor).data.fill(NaN, -8);
        return resolveRequest(withEverything(request, backend.capabilities));
      };
      const { problem, inputs } = fresh();
      const dOutput = dOutputOf(sketch, id);
      const kernel = await backend.compile(problem);
      try {
        await runKernel(kernel, frozen(inputs), dOutput);
      } finally {
        await kernel.dispose();
      }
      ensureSameBits(tensorsOf(inputs), tensorsOf(fresh().inputs), 'after the run');
      ensureSameBits({ dOutput }, { dOutput: dOutputOf(sketch, id) }, 'after the gradient');
      ensure(JSON.stringify(problem) === JSON.stringify(fresh().problem), 'the problem was changed');
    }),
  );
  const transferred = ['plain', 'boolean-mask', 'key-lengths', 'segments', 'across-tiles'];
  return [
    ...neverWritten,
    ...transferred.map((name) => transferredCase(name, VARIATIONS[name]!)),
    transferredGradient(),
    transferredPart(),
  ];
}

/** Runs whose inputs are transferred while they wait for the engine or compute. */
function transferredCase(name: string, sketch: Sketch): ConformanceCase {
  return behavior('inputs', `transferred/${name}`, sketch, async ({ backend }, id) => {
    const fresh = () => resolveRequest(requestOf(sketch, id));
    const kernel = await backend.compile(fresh().problem);
    try {
      const agrees = (results: AttentionResults<Tensor>, what: string): void =>
        ensureAgrees(requestOf(sketch, id), results, what);
      await transferDuring(() => {
        const { inputs } = fresh();
        return { given: Object.values(tensorsOf(inputs)), result: kernel.run(inputs) };
      }, agrees);
      agrees(await kernel.run(fresh().inputs), 'the kernel after that');
    } finally {
      await kernel.dispose();
    }
  });
}

function transferredGradient(): ConformanceCase {
  return behavior('inputs', 'transferred/gradient', ['gradient', 'statistics'], async ({ backend }, id) => {
    const fresh = () => resolveRequest(withEverything(requestOf({}, id), backend.capabilities));
    const { problem, inputs } = fresh();
    const kernel = await backend.compile(problem);
    try {
      const { output, statistics } = await kernel.run(inputs);
      const gradientOf = (given: AttentionInputs, dOutput: Tensor) =>
        kernel.gradient(given, { output: output!, statistics: statistics!, dOutput });
      const expected = await gradientOf(inputs, dOutputOf({}, id));
      await transferDuring(
        () => {
          const [given, dOutput] = [fresh().inputs, dOutputOf({}, id)];
          return { given: [...Object.values(tensorsOf(given)), dOutput], result: gradientOf(given, dOutput) };
        },
        (gradients, what) => ensureClose({ ...gradients } as Values, { ...expected } as Values, what),
      );
    } finally {
      await kernel.dispose();
    }
  });
}

function transferredPart(): ConformanceCase {
  return behavior('inputs', 'transferred/upload-and-write', [], async ({ backend }, id) => {
    const numbers = () => dOutputOf({}, id);
    const isRight = async (resident: ResidentTensor, what: string): Promise<void> =>
      ensureSameBits({ tensor: await resident.read() }, { tensor: numbers() }, what);
    await transferDuring(
      () => {
        const given = numbers();
        return { given: [given], result: backend.upload(given) };
      },
      async (resident, what) => {
        await isRight(resident, what);
        resident.dispose();
      },
    );
    const resident = await backend.allocate('float32', numbers().shape);
    await transferDuring(
      () => {
        const given = numbers();
        return { given: [given], result: resident.write(given, { axis: 0, start: 0 }) };
      },
      (_, what) => isRight(resident, what),
    );
    resident.dispose();
  });
}

function tensorsOf(inputs: AttentionInputs): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(inputs).filter(([, value]) => typeof value === 'object'));
}

/** Inputs whose objects and shapes cannot be written to either. */
function frozen(inputs: AttentionInputs): AttentionInputs {
  for (const { shape } of Object.values(tensorsOf(inputs))) Object.freeze(shape);
  for (const value of Object.values(tensorsOf(inputs))) Object.freeze(value);
  return Object.freeze(inputs);
}
