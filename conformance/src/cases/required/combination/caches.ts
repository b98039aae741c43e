import { agreement } from '../../building/agreement.ts';
import { type Level, combine, everyThree } from './combine.ts';
import type { AgreementCase } from '../../../case.ts';
import type { Purposes } from '../../building/purposes.ts';

export const cacheCombinationPurposes: Purposes = {
  'combination/cache': 'Every form of a cache goes with every two of the other features.',
};

/** The first level of each factor is the plain one, and stays out of the names of cases, but for the cache. */
const FACTORS: readonly (readonly Level[])[] = [
  [
    ['float16', { cacheType: 'float16' }],
    ['bfloat16', { cacheType: 'bfloat16' }],
    ['shared', { shared: true }],
    ['int8', { cacheType: 'int8' }],
    ['int4x2', { cacheType: 'int4x2' }],
    ['shared-float16', { shared: true, cacheType: 'float16' }],
    ['shared-int8', { shared: true, cacheType: 'int8' }],
    ['pages', { pages: { size: 4, common: true } }],
    ['pages-float16', { pages: { size: 4, holes: true }, cacheType: 'float16' }],
    ['pages-int8', { pages: { size: 4 }, cacheType: 'int8' }],
  ],
  [
    ['', { heads: 2 }],
    ['gqa', { heads: 4, kvHeads: 2 }],
    ['one-key-head', { heads: 3, kvHeads: 1 }],
  ],
  [
    ['', { queryLength: 6, keyLength: 12 }],
    ['one-query', { queryLength: 1, keyLength: 36 }],
    ['many-keys', { queryLength: 5, keyLength: 72 }],
  ],
  [
    ['', {}],
    ['blhd', { layout: 'blhd' }],
  ],
  [
    ['', {}],
    ['value-size', { valueDim: 4 }],
  ],
  [
    ['', {}],
    ['float16-query', { dtype: 'float16' }],
  ],
  [
    ['', {}],
    ['boolean-mask', (l) => ({ mask: { kind: 'boolean', shape: [l.batch, 1, 1, l.keyLength] } })],
    ['float-mask', (l) => ({ mask: { kind: 'float', shape: [l.queryLength, l.keyLength] } })],
    ['bias', (l) => ({ bias: { shape: [l.heads, 1, l.keyLength], excluded: 0.2 } })],
    ['segments', { segments: 'scattered' }],
  ],
  [
    ['', {}],
    ['causal-bottom-right', { causal: true, alignment: 'bottomRight' }],
    ['window-offsets', { window: { left: 3 }, causal: true, alignment: { offset: [4, 2] } }],
    ['alibi', { alibi: true, alignment: 'bottomRight' }],
  ],
  [
    ['', {}],
    ['starts-and-lengths', (l) => ({ keyStarts: [1, 3], keyLengths: [l.keyLength - 1, l.keyLength - 2] })],
    ['query-lengths', (l) => ({ queryLengths: [l.queryLength, l.queryLength >> 1] })],
  ],
  [
    ['', {}],
    ['softcap', { softcap: 1.5 }],
    ['sinks', { sinks: true }],
    ['argmax', { selection: 'argmax' }],
    ['sample', { selection: 'sample', seed: 11 }],
  ],
  [
    ['', {}],
    ['all-outputs', { outputs: ['output', 'weights', 'logSumExp', 'statistics'] }],
    ['gradient', { gradient: true }],
  ],
];

/** Features together with each form of a cache, every three levels somewhere. */
export function cacheCombinationCases(): AgreementCase[] {
  return everyThree(FACTORS, (name, levels) => {
    const { gradient, ...sketch } = combine(levels, 6);
    const hasGradient = gradient && !sketch.pages && !sketch.cacheType?.startsWith('int');
    return agreement('combination', `cache/${name}`, hasGradient ? { ...sketch, gradient } : sketch);
  });
}
