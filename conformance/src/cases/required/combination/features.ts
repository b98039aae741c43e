import type { AgreementCase } from '../../../case.ts';
import type { Lengths } from '../../../sketch.ts';
import { agreement } from '../../building/agreement.ts';
import { type Level, combine, everyThree } from './combine.ts';
import type { Purposes } from '../../building/purposes.ts';

export const combinationPurposes: Purposes = {
  combination: 'Features combine: every three of them agree with the reference in one problem.',
};

/** The first level of each factor is the plain one and stays out of the names of cases. */
const FACTORS: readonly (readonly Level[])[] = [
  [
    ['', { heads: 2 }],
    ['gqa', { heads: 4, kvHeads: 2 }],
    ['one-key-head', { heads: 3, kvHeads: 1 }],
  ],
  [
    ['', { queryLength: 6, keyLength: 6 }],
    ['more-keys', { queryLength: 5, keyLength: 9 }],
    ['more-queries', { queryLength: 9, keyLength: 5 }],
    ['one-query', { queryLength: 1, keyLength: 7 }],
  ],
  [
    ['', {}],
    ['blhd', { layout: 'blhd' }],
  ],
  [
    ['', {}],
    ['value-size', { valueDim: 3 }],
  ],
  [
    ['', {}],
    ['softcap', { softcap: 1.5 }],
  ],
  [
    ['', {}],
    ['boolean-mask', (l) => ({ mask: { kind: 'boolean', shape: full(l) } })],
    ['boolean-mask-of-keys', (l) => ({ mask: { kind: 'boolean', shape: [l.batch, 1, 1, l.keyLength] } })],
    ['float-mask', (l) => ({ mask: { kind: 'float', shape: [l.queryLength, l.keyLength] } })],
  ],
  [
    ['', {}],
    ['bias', (l) => ({ bias: { shape: full(l), excluded: 0.2 } })],
    ['bias-of-heads-and-keys', (l) => ({ bias: { shape: [l.heads, 1, l.keyLength] } })],
  ],
  [
    ['', {}],
    ['causal', { causal: true, alignment: 'topLeft' }],
    ['causal-bottom-right', { causal: true, alignment: 'bottomRight' }],
    ['window-bottom-right', { window: { left: 2, right: 1 }, alignment: 'bottomRight' }],
    ['window-causal-offsets', { window: { left: 3 }, causal: true, alignment: { offset: [2, -1] } }],
  ],
  [
    ['', {}],
    ['key-lengths', (l) => ({ keyLengths: [l.keyLength - 1, l.keyLength - 3] })],
    ['key-starts', { keyStarts: [2, 0] }],
    ['query-lengths', (l) => ({ queryLengths: [l.queryLength, l.queryLength >> 1] })],
    [
      'both-lengths',
      (l) => ({
        keyLengths: [l.keyLength - 2, l.keyLength],
        queryLengths: [l.queryLength, l.queryLength >> 1],
      }),
    ],
    [
      'starts-and-lengths',
      (l) => ({ keyStarts: [1, l.keyLength >> 1], keyLengths: [l.keyLength - 1, l.keyLength - 2] }),
    ],
  ],
  [
    ['', {}],
    ['segments', { segments: 'packed' }],
    ['segments-scattered', { segments: 'scattered' }],
  ],
  [
    ['', {}],
    ['alibi', { alibi: true }],
  ],
  [
    ['', {}],
    ['sinks', { sinks: true }],
    ['argmax', { selection: 'argmax' }],
    ['sample', { selection: 'sample', seed: 11 }],
  ],
  [
    ['', {}],
    ['all-outputs', { outputs: ['output', 'weights', 'logSumExp', 'statistics'] }],
    ['gradient', { gradient: true }],
  ],
  [
    ['', {}],
    ['peaked', { spread: 6 }],
  ],
  [
    ['', {}],
    ['float64', { dtype: 'float64' }],
  ],
];

function full({ batch, heads, queryLength, keyLength }: Lengths): readonly number[] {
  return [batch, heads, queryLength, keyLength];
}

/** Features together, every three of them somewhere. */
export function combinationCases(): AgreementCase[] {
  return everyThree(FACTORS, (name, levels) => agreement('combination', name || 'plain', combine(levels)));
}
