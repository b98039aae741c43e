import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreement, agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const maskPurposes: Purposes = {
  mask: 'A mask excludes, or is added to the scores.',
  'mask/boolean': 'True may attend, false may not, wherever it stands in the tiles.',
  'mask/boolean/broadcast': 'A boolean mask of any rank broadcasts, aligned at the right.',
  'mask/boolean/any-byte-is-true': 'Every byte but 0 is true.',
  'mask/float': 'A float mask is added to the scores, and −∞ excludes.',
  'mask/float/broadcast': 'A float mask of any rank broadcasts, aligned at the right.',
  'mask/float/no-exclusion-below-zero': 'A low number in a float mask is added; only −∞ excludes.',
};

/** Every way to broadcast to [B=2, Hq=3, Lq=5, Lk=6], in every rank. Names are the axes that are not broadcast. */
export const BROADCASTS: Readonly<Record<string, readonly number[]>> = {
  scalar: [],
  k: [6],
  'k-of-length-1': [1],
  qk: [5, 6],
  q: [5, 1],
  'rank-2-k': [1, 6],
  hqk: [3, 5, 6],
  hk: [3, 1, 6],
  hq: [3, 5, 1],
  h: [3, 1, 1],
  'rank-3-qk': [1, 5, 6],
  bhqk: [2, 3, 5, 6],
  bqk: [2, 1, 5, 6],
  bk: [2, 1, 1, 6],
  bhk: [2, 3, 1, 6],
  bq: [2, 1, 5, 1],
  bh: [2, 3, 1, 1],
  b: [2, 1, 1, 1],
  bhq: [2, 3, 5, 1],
  'rank-4-hqk': [1, 3, 5, 6],
  'rank-4-qk': [1, 1, 5, 6],
};

const LENGTHS = { batch: 2, heads: 3, queryLength: 5, keyLength: 6 } as const;

export function maskCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = {};
  for (const kind of ['boolean', 'float'] as const) {
    sketches[`${kind}/control`] = { ...LENGTHS, mask: { kind, shape: [5, 6] } };
    for (const [name, shape] of Object.entries(BROADCASTS)) {
      sketches[`${kind}/broadcast/${name}`] = { ...LENGTHS, mask: { kind, shape } };
    }
    Object.assign(sketches, {
      [`${kind}/square`]: { heads: 7, batch: 7, mask: { kind, shape: [7, 7] } },
      [`${kind}/nothing-excluded`]: { ...LENGTHS, mask: { kind, shape: [5, 6], density: 1 } },
      [`${kind}/sparse`]: { batch: 1, queryLength: 40, mask: { kind, shape: [40, 40], density: 0.05 } },
      [`${kind}/across-tiles`]: { batch: 1, queryLength: 65, keyLength: 67, mask: { kind, shape: [65, 67] } },
      [`${kind}/layout-blhd`]: { ...LENGTHS, layout: 'blhd', mask: { kind, shape: [2, 3, 5, 6] } },
      [`${kind}/peaked`]: { ...LENGTHS, spread: 8, mask: { kind, shape: [2, 3, 5, 6] } },
    } satisfies Record<string, Sketch>);
  }
  return [
    ...agreements('mask', sketches),
    agreement('mask', 'boolean/any-byte-is-true', { mask: { kind: 'boolean', shape: [7, 7] } }, (request) => {
      const mask = request.mask as { data: Uint8Array };
      mask.data.forEach((byte, n) => (mask.data[n] = byte * (1 + (n % 255))));
      return request;
    }),
    agreement(
      'mask',
      'float/no-exclusion-below-zero',
      { mask: { kind: 'float', shape: [7, 7] } },
      (request) => {
        const mask = request.mask as { data: Float32Array };
        mask.data.forEach((_, n) => (mask.data[n] = n % 3 === 0 ? -40 : 0));
        return request;
      },
    ),
  ];
}
