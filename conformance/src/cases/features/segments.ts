import { tensor } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { ConformanceCase } from '../../case.ts';
import { agreement, agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const segmentsPurposes: Purposes = {
  segments: 'A row may attend to the keys of its own segment alone.',
  'segments/ids': 'Segment ids are any int32, compared exactly: neither positions nor in order.',
  'segments/causal': 'Within a segment causal attention counts the positions of the whole row.',
};

/** The same ids for every element of the batch. */
function ids(query: readonly number[], key: readonly number[]): (request: CaseRequest) => CaseRequest {
  return (request) => ({
    ...request,
    querySegments: tensor(Int32Array.from([...query, ...query]), [2, query.length]),
    keySegments: tensor(Int32Array.from([...key, ...key]), [2, key.length]),
  });
}

export function segmentsCases(): ConformanceCase[] {
  const three = { queryLength: 3, keyLength: 4 } as const;
  return [
    ...agreements('segments', {
      control: { segments: 'packed' },
      scattered: { segments: 'scattered' },
      'more-keys': { segments: 'packed', queryLength: 4, keyLength: 9 },
      'more-queries': { segments: 'scattered', queryLength: 9, keyLength: 4 },
      causal: { segments: 'packed', causal: true, queryLength: 12 },
      'causal-bottom-right': {
        segments: 'packed',
        causal: true,
        queryLength: 6,
        keyLength: 12,
        alignment: 'bottomRight',
      },
      window: { segments: 'packed', window: { left: 2, right: 2 }, queryLength: 12 },
      alibi: { segments: 'packed', alibi: true, queryLength: 12 },
      'key-lengths': { segments: 'packed', keyLengths: [3, 6] },
      'boolean-mask': { segments: 'packed', mask: { kind: 'boolean', shape: [7, 7] } },
      'layout-blhd': { segments: 'scattered', layout: 'blhd' },
      gqa: { segments: 'scattered', heads: 4, kvHeads: 2 },
      sinks: { segments: 'scattered', sinks: true },
      'across-tiles': { segments: 'packed', batch: 1, queryLength: 97, headDim: 4 },
    }),
    agreement(
      'segments',
      'ids/extreme',
      three,
      ids([2147483647, -2147483648, 0], [0, 2147483647, -2147483648, -1]),
    ),
    // As float32 these ids would all be equal.
    agreement(
      'segments',
      'ids/near-2-to-the-24',
      three,
      ids([16777216, 16777217, 16777218], [16777217, 16777216, 16777218, 16777219]),
    ),
    agreement('segments', 'ids/descending', three, ids([2, 1, 0], [2, 2, 1, 0])),
    agreement('segments', 'ids/not-positions', three, ids([9, 9, 0], [9, 0, 9, 0])),
    agreement('segments', 'ids/one-for-all', three, ids([5, 5, 5], [5, 5, 5, 5])),
  ];
}
