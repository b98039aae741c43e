import {
  type AttentionBackend,
  type AttentionProblem,
  FEATURES,
  type Feature,
  resolveRequest,
} from '@heed/core';
import type { ConformanceCase } from '../../case.ts';
import { checkRefused, undeclared } from '../../refusal.ts';
import { type Sketch, requestOf } from '../../sketch.ts';
import { behavior, ensure } from '../building/behavior.ts';
import { VARIATIONS } from '../building/variations.ts';
import type { Purposes } from '../building/purposes.ts';

export const refusalPurposes: Purposes = {
  refusal: 'What is declared is accepted, and nothing else.',
  'refusal/feature': 'A problem with a feature is accepted if it is declared, else refused with its name.',
  'refusal/dtype': 'An element type is accepted if it is declared, else refused with the clause dtype.',
  'refusal/combination':
    'Together with everything else a feature is accepted if it is declared, else refused.',
  'refusal/supports-has-no-memory': 'supports() answers the same each time.',
};

/** The smallest problem with each feature. Some need a second one beside it. */
const SMALLEST: Readonly<Record<Feature, Sketch>> = {
  'layout.blhd': { layout: 'blhd' },
  valueDim: { valueDim: 3 },
  gqa: { heads: 4, kvHeads: 2 },
  'cache.float16': { cacheType: 'float16' },
  'cache.bfloat16': { cacheType: 'bfloat16' },
  'cache.int8': { cacheType: 'int8' },
  'cache.int4x2': { cacheType: 'int4x2' },
  'cache.shared': { shared: true },
  pages: { pages: { size: 2 } },
  ring: { ring: true, keyLengths: [9, 3] },
  valueFromKey: { valueFromKey: { start: 2, length: 8 }, headDim: 10 },
  'mask.boolean': { mask: { kind: 'boolean', shape: [7, 7] } },
  'mask.float': { mask: { kind: 'float', shape: [7, 7] } },
  bias: { bias: { shape: [7, 7] } },
  'alignment.bottomRight': { causal: true, keyLength: 9, alignment: 'bottomRight' },
  'alignment.offset': { causal: true, alignment: { offset: 1 } },
  causal: { causal: true },
  window: { window: { left: 2, right: 2 } },
  'lengths.key': { keyLengths: [3, 5] },
  'lengths.keyStart': { keyStarts: [2, 0] },
  'lengths.query': { queryLengths: [3, 5] },
  segments: { segments: 'packed' },
  alibi: { alibi: true },
  softcap: { softcap: 2 },
  sinks: { sinks: true },
  weights: { outputs: ['weights'] },
  logSumExp: { outputs: ['logSumExp'] },
  statistics: { outputs: ['statistics'] },
  'selection.argmax': { selection: 'argmax' },
  'selection.sample': { selection: 'sample', seed: 1 },
  origin: { selection: 'sample', seed: 1, origin: { key: 3 } },
  dropout: { dropout: { probability: 0.3, seed: 1 } },
  gradient: { gradient: true, outputs: ['output', 'statistics'] },
};

/** Checks that what is declared is accepted, and what is not is refused, and `supports()` and `compile()` say the same. */
async function ensureHonest(backend: AttentionBackend, problem: AttentionProblem): Promise<void> {
  const missing = undeclared(backend.capabilities, problem);
  if (missing.length > 0) {
    const fault = await checkRefused(backend, problem);
    ensure(fault === null, fault ?? '');
    return;
  }
  const support = backend.supports(problem);
  ensure(
    support.supported,
    support.supported ? '' : `declared, yet refused: ${support.clause}: ${support.reason}`,
  );
  const kernel = await backend.compile(problem);
  await kernel.dispose();
}

export function refusalCases(): ConformanceCase[] {
  const problemOfSketch = (sketch: Sketch): AttentionProblem =>
    resolveRequest(requestOf(sketch, 'refusal')).problem;
  return [
    ...FEATURES.map((feature) =>
      behavior('refusal', `feature/${feature}`, [], ({ backend }) =>
        ensureHonest(backend, problemOfSketch(SMALLEST[feature])),
      ),
    ),
    ...(['float32', 'float64', 'float16', 'bfloat16'] as const).map((dtype) =>
      behavior('refusal', `dtype/${dtype}`, [], ({ backend }) =>
        ensureHonest(backend, problemOfSketch({ dtype })),
      ),
    ),
    ...Object.entries(VARIATIONS).map(([name, sketch]) =>
      behavior('refusal', `combination/${name}`, [], async ({ backend }) => {
        const everything: Sketch = {
          ...sketch,
          gradient: true,
          outputs: ['output', 'weights', 'statistics'],
        };
        await ensureHonest(backend, problemOfSketch(everything));
      }),
    ),
    behavior('refusal', 'supports-has-no-memory', [], async ({ backend }) => {
      const problems = Object.values(SMALLEST).map(problemOfSketch);
      const answers = () => JSON.stringify(problems.map((problem) => backend.supports(problem)));
      const first = answers();
      ensure(answers() === first, 'supports() answers differently the second time');
    }),
  ];
}
