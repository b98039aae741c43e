import { type AttentionInputs, type Tensor, resolveRequest } from '@heed/core';
import type { ConformanceCase } from '../../case.ts';
import { type Sketch, dOutputOf, requestOf } from '../../sketch.ts';
import { behavior, ensure } from '../building/behavior.ts';
import { ensureSameBits, runKernel, withEverything } from '../building/run-all.ts';
import { VARIATIONS } from '../building/variations.ts';
import type { Purposes } from '../building/purposes.ts';

export const inputsPurposes: Purposes = {
  'inputs/never-written':
    'Neither a run nor a gradient writes to inputs, shapes or the objects that hold them.',
};

export function inputsCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = {
    ...VARIATIONS,
    argmax: { selection: 'argmax' },
    sample: { selection: 'sample', seed: 3 },
    'non-finite-numbers': { keyLengths: [3, 7] },
  };
  return Object.entries(sketches).map(([name, sketch]) =>
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
