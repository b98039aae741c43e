import type { ConformanceCase } from '../../case.ts';
import { agreements } from '../building/agreement.ts';

export function orderCases(): ConformanceCase[] {
  return agreements('order', {
    control: { queryLength: 5, keyLength: 11 },
    'default-scale/head-size-3': { headDim: 3 },
    'default-scale/head-size-64': { headDim: 64 },
    'scale/1': { scale: 1 },
    'scale/small': { scale: 0.01 },
    'scale/0': { scale: 0 },
    'scale/negative': { scale: -0.5 },
    'scale/large': { scale: 9 },
    'scale/not-a-float32': { scale: 1 / 3 },
    'softcap-then-bias': { softcap: 1, bias: { shape: [7, 7] } },
    'softcap-then-float-mask': { softcap: 1, mask: { kind: 'float', shape: [7, 7] } },
    'softcap-then-alibi': { softcap: 1, alibi: true },
    'softcap-then-boolean-mask': { softcap: 1, mask: { kind: 'boolean', shape: [7, 7] } },
    'scale-then-softcap': { scale: 3, softcap: 2 },
    'scale-leaves-bias-alone': { scale: 0.05, bias: { shape: [7, 7] } },
    'scale-leaves-alibi-alone': { scale: 0.05, alibi: true },
    'all-terms': {
      scale: 0.7,
      softcap: 3,
      bias: { shape: [2, 1, 7] },
      alibi: true,
      mask: { kind: 'float', shape: [7, 7] },
    },
  });
}
