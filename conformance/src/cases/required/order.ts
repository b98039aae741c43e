import type { ConformanceCase } from '../../case.ts';
import { agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const orderPurposes: Purposes = {
  order: 'The terms of a score come in the order of the clause.',
  'order/control': 'Scores are products times the scale, through a softmax over the keys.',
  'order/default-scale': 'The scale defaults to one over the root of the head size.',
  'order/scale':
    'A given scale replaces the default: small, large, negative, 0, and one that float32 rounds.',
  'order/softcap-then-bias': 'The bias is added after the softcap.',
  'order/softcap-then-float-mask': 'The float mask is added after the softcap.',
  'order/softcap-then-alibi': 'The distances of ALiBi count after the softcap.',
  'order/softcap-then-boolean-mask': 'What a boolean mask excludes stays excluded with a softcap.',
  'order/scale-then-softcap': 'The scale multiplies before the softcap.',
  'order/scale-leaves-bias-alone': 'The scale does not multiply the bias.',
  'order/scale-leaves-alibi-alone': 'The scale does not multiply the distances of ALiBi.',
  'order/all-terms': 'All terms of a score come in the order of the clause.',
};

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
