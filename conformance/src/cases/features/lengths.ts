import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const lengthsPurposes: Purposes = {
  lengths: 'What is past a length is not there.',
  'lengths/key': 'Keys from the key length on are not there.',
  'lengths/query': 'Rows from the query length on are empty.',
  'lengths/start': 'Keys before the key start are not there.',
  'lengths/both': 'Key lengths and query lengths hold together.',
  'lengths/key/all-lengths': 'Each element of the batch has a key length of its own, from 0 to all.',
  'lengths/query/all-lengths': 'Each element of the batch has a query length of its own, from 0 to all.',
  'lengths/start/all-starts': 'Each element of the batch has a key start of its own, from none to all.',
  'lengths/start/across-tiles':
    'A key start within, at and beside the edge of a tile loses no key and adds none.',
  'lengths/key/across-tiles':
    'A key length within, at and beside the edge of a tile loses no key and adds none.',
  'lengths/query/across-tiles':
    'A query length within, at and beside the edge of a tile loses no row and adds none.',
};

export function lengthsCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = {
    'key/control': { keyLengths: [3, 5] },
    'start/control': { keyStarts: [3, 5] },
    'start/all-starts': { batch: 8, heads: 1, keyStarts: [0, 1, 2, 3, 4, 5, 6, 7] },
    'start/none': { keyStarts: [0, 0] },
    'start/more-keys': { queryLength: 3, keyLength: 11, keyStarts: [10, 4] },
    'start/one-query': { queryLength: 1, keyLength: 11, keyStarts: [10, 4] },
    'start/causal-top-left': { causal: true, keyStarts: [3, 1] },
    'start/causal-bottom-right': {
      causal: true,
      queryLength: 3,
      keyLength: 11,
      keyStarts: [9, 2],
      alignment: 'bottomRight',
    },
    'start/window': { window: { left: 2, right: 1 }, keyStarts: [3, 1] },
    'start/key-lengths': { keyStarts: [2, 1], keyLengths: [6, 2] },
    'start/past-the-length': { keyStarts: [5, 2], keyLengths: [3, 6] },
    'start/segments': { keyStarts: [2, 1], segments: 'packed' },
    'start/boolean-mask': { keyStarts: [2, 1], mask: { kind: 'boolean', shape: [2, 1, 7, 7] } },
    'start/sinks': { keyStarts: [2, 7], sinks: true },
    'start/gradient': { keyStarts: [3, 7], gradient: true },
    'start/layout-blhd-gqa': { layout: 'blhd', heads: 4, kvHeads: 2, keyStarts: [3, 5] },
    'query/control': { queryLengths: [3, 5] },
    'both/control': { queryLengths: [3, 5], keyLengths: [6, 2] },
    'key/all-lengths': { batch: 8, heads: 1, keyLengths: [0, 1, 2, 3, 4, 5, 6, 7] },
    'query/all-lengths': { batch: 8, heads: 1, queryLengths: [0, 1, 2, 3, 4, 5, 6, 7] },
    'key/full': { keyLengths: [7, 7] },
    'query/full': { queryLengths: [7, 7] },
    'key/more-keys': { queryLength: 3, keyLength: 11, keyLengths: [10, 4] },
    'key/one-query': { queryLength: 1, keyLength: 11, keyLengths: [10, 4] },
    'key/causal-top-left': { causal: true, keyLengths: [3, 7] },
    'query/causal-top-left': { causal: true, queryLengths: [3, 7] },
    'both/causal-bottom-right': {
      causal: true,
      queryLengths: [3, 5],
      keyLengths: [6, 2],
      alignment: 'bottomRight',
    },
    'both/layout-blhd': { layout: 'blhd', queryLengths: [3, 5], keyLengths: [6, 2] },
    'both/gqa': { heads: 4, kvHeads: 2, queryLengths: [3, 5], keyLengths: [6, 2] },
    'both/boolean-mask': {
      queryLengths: [3, 5],
      keyLengths: [6, 2],
      mask: { kind: 'boolean', shape: [2, 1, 7, 7] },
    },
    'both/sinks': { queryLengths: [3, 5], keyLengths: [6, 0], sinks: true },
  };
  for (const length of [1, 31, 32, 33, 63, 64, 65, 66]) {
    sketches[`key/across-tiles/${length}`] = {
      batch: 1,
      queryLength: 3,
      keyLength: 67,
      keyLengths: [length],
    };
    sketches[`start/across-tiles/${length}`] = {
      batch: 1,
      queryLength: 3,
      keyLength: 67,
      keyStarts: [length],
    };
    sketches[`query/across-tiles/${length}`] = {
      batch: 1,
      queryLength: 67,
      keyLength: 3,
      queryLengths: [length],
    };
  }
  return agreements('lengths', sketches);
}
