import { type HeedErrorCode, attention, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { ConformanceCase } from '../../case.ts';
import { type Sketch, requestOf } from '../../sketch.ts';
import { ensureAgrees } from '../building/agree.ts';
import { agreements } from '../building/agreement.ts';
import { behavior, ensureError } from '../building/behavior.ts';
import { ALL_OUTPUTS } from '../building/cache-variations.ts';
import type { Purposes } from '../building/purposes.ts';

export const valueFromKeyPurposes: Purposes = {
  valueFromKey: 'A value is a part of the row of its key.',
  'valueFromKey/cache': 'Values inside keys are read of every type of cache, in pages, rings and shared.',
  'valueFromKey/resident': 'A resident key is computed with, and no value is there.',
  'valueFromKey/mistake': 'A part that is not in the key is refused before anything is computed.',
};

export function valueFromKeyCases(): ConformanceCase[] {
  const part = { start: 3, length: 6 };
  const inside: Sketch = { headDim: 10, valueFromKey: part, queryLength: 5, keyLength: 9 };
  const wide: Sketch = { ...inside, headDim: 64, valueFromKey: { start: 0, length: 32 } };
  const sketches: Record<string, Sketch> = {
    plain: { ...inside, outputs: ALL_OUTPUTS },
    beginning: { ...inside, valueFromKey: { start: 0, length: 6 } },
    end: { ...inside, valueFromKey: { start: 9, length: 1 } },
    whole: { ...inside, valueFromKey: { start: 0, length: 10 } },
    'one-query': { ...inside, queryLength: 1, heads: 4, kvHeads: 1, keyLength: 70 },
    // The sizes of absorbed multi-head latent attention.
    latent: {
      batch: 1,
      heads: 4,
      kvHeads: 1,
      queryLength: 1,
      keyLength: 40,
      headDim: 576,
      valueFromKey: { start: 0, length: 512 },
    },
    'layout-blhd': { ...inside, layout: 'blhd', heads: 4, kvHeads: 2 },
    'causal-lengths': { ...inside, causal: true, alignment: 'bottomRight', keyLengths: [8, 3] },
    argmax: { ...inside, selection: 'argmax', outputs: ['output', 'choice'] },
    float64: { ...inside, dtype: 'float64' },
    float16: { ...inside, dtype: 'float16' },
    'across-tiles': { ...inside, batch: 1, queryLength: 65, keyLength: 135 },
    'cache/float16': { ...inside, cacheType: 'float16' },
    'cache/bfloat16': { ...inside, cacheType: 'bfloat16', queryLength: 1 },
    'cache/int8': { ...wide, cacheType: 'int8' },
    'cache/int8-second-group': { ...wide, cacheType: 'int8', valueFromKey: { start: 32, length: 32 } },
    'cache/int8-across-groups': { ...wide, cacheType: 'int8', valueFromKey: { start: 7, length: 43 } },
    'cache/int8-whole-rows': { ...wide, cacheType: 'int8', wholeRows: true },
    'cache/int4x2': { ...wide, cacheType: 'int4x2' },
    'cache/int4x2-across-pairs': { ...wide, cacheType: 'int4x2', valueFromKey: { start: 5, length: 38 } },
    'cache/int4x2-half-a-pair': { ...wide, cacheType: 'int4x2', valueFromKey: { start: 32, length: 7 } },
    'cache/pages': { ...inside, pages: { size: 4, holes: true }, keyLength: 24 },
    'cache/pages-int8': { ...wide, pages: { size: 4 }, keyLength: 24, cacheType: 'int8' },
    'cache/ring': { ...inside, ring: true, keyLengths: [22, 4] },
    'cache/shared': { ...inside, shared: true },
  };
  return [
    ...agreements('valueFromKey', sketches),
    behavior('valueFromKey', 'resident', inside, async ({ backend }, id) => {
      const request = requestOf(inside, id);
      const key = await backend.upload(request.key);
      const { problem, inputs } = resolveRequest({ ...request, key } as never);
      await using kernel = await backend.compile(problem);
      ensureAgrees(request, await kernel.run(inputs), 'with values inside a resident key');
      key.dispose();
    }),
    ...mistakes(inside),
  ];
}

function mistakes(sketch: Sketch): ConformanceCase[] {
  const value = requestOf({ ...sketch, valueFromKey: null }, 'value').value;
  const wrong: Record<string, readonly [HeedErrorCode, object]> = {
    'value-besides': ['UNEXPECTED_INPUT', { value }],
    'past-the-row': ['SHAPE', { valueFromKey: { start: 5, length: 6 } }],
    empty: ['ARGUMENT', { valueFromKey: { start: 0, length: 0 } }],
    negative: ['ARGUMENT', { valueFromKey: { start: -1, length: 4 } }],
    'not-an-object': ['ARGUMENT', { valueFromKey: 4 }],
    'unknown-member': ['UNKNOWN_OPTION', { valueFromKey: { start: 0, length: 4, end: 4 } }],
    'neither-of-them': ['MISSING_INPUT', { valueFromKey: undefined }],
    gradient: ['NOT_DIFFERENTIABLE', { gradient: true }],
  };
  return Object.entries(wrong).map(([name, [code, more]]) =>
    behavior('valueFromKey', `mistake/${name}`, [], async ({ backend }, id) => {
      const request = { ...requestOf(sketch, id), ...more } as CaseRequest & { gradient?: false };
      await ensureError(() => attention(backend, request), code, name);
    }),
  );
}
