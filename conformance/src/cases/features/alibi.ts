import { type Tensor, tensor } from '@heed/core';
import type { ConformanceCase } from '../../case.ts';
import { agreement, agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const alibiPurposes: Purposes = {
  alibi: 'The slope of a head times the distance is subtracted, on either side.',
  'alibi/slopes': 'Slopes are any numbers: 0, negative, large.',
  'alibi/positions-to-2-to-the-24': 'Distances at positions up to 2^24 are those of the integers.',
};

export function alibiCases(): ConformanceCase[] {
  return [
    ...agreements('alibi', {
      control: { alibi: true },
      'eight-heads': { alibi: true, heads: 8, batch: 1, queryLength: 9 },
      causal: { alibi: true, causal: true },
      'more-keys/top-left': { alibi: true, queryLength: 3, keyLength: 12, alignment: 'topLeft' },
      'more-keys/bottom-right': { alibi: true, queryLength: 3, keyLength: 12, alignment: 'bottomRight' },
      'more-queries/bottom-right': { alibi: true, queryLength: 12, keyLength: 3, alignment: 'bottomRight' },
      'offset-inside': { alibi: true, queryLength: 3, keyLength: 12, alignment: { offset: 5 } },
      'offset-outside': { alibi: true, alignment: { offset: [30, -30] } },
      'key-lengths/bottom-right': { alibi: true, keyLengths: [3, 6], alignment: 'bottomRight' },
      window: { alibi: true, window: { left: 2, right: 3 } },
      gqa: { alibi: true, heads: 6, kvHeads: 2 },
      'layout-blhd': { alibi: true, layout: 'blhd', heads: 3 },
      'across-tiles': { alibi: true, batch: 1, queryLength: 65, keyLength: 65 },
    }),
    ...Object.entries({ zero: [0, 0], negative: [-0.5, -0.1], large: [40, 3], mixed: [0.25, -0.25] }).map(
      ([name, slopes]) =>
        agreement('alibi', `slopes/${name}`, {}, (request) => ({
          ...request,
          alibiSlopes: tensor(Float32Array.from(slopes), [2]),
        })),
    ),
    // As far as float32 counts. With equal products every score is exact, and so are the differences between them.
    agreement(
      'alibi',
      'positions-to-2-to-the-24',
      { gradient: true, alignment: { offset: [2 ** 24 - 7, 9 - 2 ** 24] } },
      (request) => ({
        ...request,
        query: { ...request.query, data: new Float32Array(2 * 2 * 7 * 8) } as Tensor,
        alibiSlopes: tensor(Float32Array.of(1, 0.5), [2]),
      }),
    ),
  ];
}
