import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreement, agreements } from '../building/agreement.ts';
import { BROADCASTS } from './mask.ts';
import type { Purposes } from '../building/purposes.ts';

export const biasPurposes: Purposes = {
  bias: 'A bias is added to the scores.',
  'bias/broadcast': 'A bias of any rank broadcasts, aligned at the right.',
  'bias/exclusions': 'A −∞ in a bias excludes, whatever is broadcast.',
  'bias/beside-boolean-mask': 'A bias and a boolean mask hold together.',
  'bias/beside-float-mask': 'A bias and a float mask are both added.',
  'bias/large-and-small': 'Biases of ±40 leave the small weights right.',
};

export function biasCases(): ConformanceCase[] {
  const lengths = { batch: 2, heads: 3, queryLength: 5, keyLength: 6 } as const;
  const sketches: Record<string, Sketch> = { control: { ...lengths, bias: { shape: [5, 6] } } };
  for (const [name, shape] of Object.entries(BROADCASTS)) {
    sketches[`broadcast/${name}`] = { ...lengths, bias: { shape } };
    if (shape.length > 1) sketches[`exclusions/${name}`] = { ...lengths, bias: { shape, excluded: 0.3 } };
  }
  return [
    ...agreements('bias', {
      ...sketches,
      'layout-blhd': { ...lengths, layout: 'blhd', bias: { shape: [2, 3, 5, 6] } },
      'beside-boolean-mask': { bias: { shape: [2, 1, 7] }, mask: { kind: 'boolean', shape: [2, 1, 1, 7] } },
      'beside-float-mask': { bias: { shape: [2, 1, 7] }, mask: { kind: 'float', shape: [7, 7] } },
      'across-tiles': { batch: 1, queryLength: 65, keyLength: 67, bias: { shape: [65, 67], excluded: 0.1 } },
      causal: { causal: true, bias: { shape: [2, 7, 7] } },
    }),
    agreement('bias', 'large-and-small', { bias: { shape: [7, 7] } }, (request) => {
      const bias = request.bias as { data: Float32Array };
      bias.data.forEach((_, n) => (bias.data[n] = (n % 3) * 40 - 40));
      return request;
    }),
  ];
}
