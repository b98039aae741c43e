import type { ConformanceCase } from '../../case.ts';
import { agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const softcapPurposes: Purposes = {
  softcap: 'Scores are capped by c · tanh(score / c), and nothing else is.',
  'softcap/tight': 'A cap far below the scores leaves them nearly equal.',
  'softcap/wide': 'A cap far above the scores leaves them nearly as they are.',
  'softcap/saturated': 'Scores far beyond the cap are finite and right.',
};

export function softcapCases(): ConformanceCase[] {
  return agreements('softcap', {
    control: { softcap: 1.5 },
    tight: { softcap: 0.01 },
    'not-a-float32': { softcap: 1 / 3 },
    wide: { softcap: 1000 },
    saturated: { softcap: 3, spread: 40 },
    fifty: { softcap: 50, spread: 20 },
    scale: { softcap: 2, scale: 0.1, spread: 10 },
    'boolean-mask': { softcap: 1, mask: { kind: 'boolean', shape: [7, 7] } },
    'float-mask': { softcap: 1, mask: { kind: 'float', shape: [7, 7] } },
    'bias-with-exclusions': { softcap: 1, bias: { shape: [7, 7], excluded: 0.3 } },
    causal: { softcap: 1, causal: true },
    window: { softcap: 1, window: { left: 1, right: 2 } },
    'key-lengths': { softcap: 1, keyLengths: [2, 5] },
    gqa: { softcap: 1, heads: 4, kvHeads: 2 },
    'layout-blhd': { softcap: 1, layout: 'blhd' },
    'across-tiles': { softcap: 2, batch: 1, queryLength: 33, keyLength: 65, spread: 4 },
  });
}
