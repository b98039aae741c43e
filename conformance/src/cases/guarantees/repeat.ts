import { resolveRequest } from '@heed/core';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { type Sketch, dOutputOf, requestOf } from '../../sketch.ts';
import { guaranteed, withBackend } from '../building/behavior.ts';
import { ensureSameBits, runAll, runKernel, withEverything } from '../building/run-all.ts';
import { VARIATIONS } from '../building/variations.ts';
import type { Purposes } from '../building/purposes.ts';

export const repeatPurposes: Purposes = {
  repeat: 'The same inputs give the same bits: again, at once, in another kernel and backend.',
};

function repeated(name: string, sketch: Sketch): BehaviorCase {
  return guaranteed('repeat', name, sketch, async (subject, id) => {
    const { backend } = subject;
    const request = () => withEverything(requestOf(sketch, id), backend.capabilities);
    const dOutput = dOutputOf(sketch, id);
    const kernel = await backend.compile(resolveRequest(request()).problem);
    const run = () => runKernel(kernel, resolveRequest(request()).inputs, dOutput);
    const first = await run();
    ensureSameBits(await run(), first, 'the second run of a kernel');
    await runAll(backend, requestOf({ queryLength: 40, spread: 30 }, id), dOutputOf({ queryLength: 40 }, id));
    ensureSameBits(await run(), first, 'a run after one of another kernel');
    for (const values of await Promise.all([run(), run(), run(), run()])) {
      ensureSameBits(values, first, 'one of four runs that overlap');
    }
    await kernel.dispose();
    ensureSameBits(await runAll(backend, requestOf(sketch, id), dOutput), first, 'a second kernel');
    await withBackend(subject, async (other) => {
      ensureSameBits(await runAll(other, requestOf(sketch, id), dOutput), first, 'a second backend');
    });
  });
}

export function repeatCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = {
    ...VARIATIONS,
    argmax: { selection: 'argmax' },
    sample: { selection: 'sample', seed: 2 ** 33 },
    'many-rows': { batch: 3, heads: 4, queryLength: 70, keyLength: 66, headDim: 16 },
    'many-keys': { batch: 1, queryLength: 3, keyLength: 500, headDim: 16 },
    'gqa-many-rows': { batch: 1, heads: 6, kvHeads: 2, queryLength: 65, bias: { shape: [6, 1, 65] } },
  };
  return Object.entries(sketches).map(([name, sketch]) => repeated(name, sketch));
}
