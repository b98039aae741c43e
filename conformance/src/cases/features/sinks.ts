import { tensor } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreement, agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const sinksPurposes: Purposes = {
  sinks: 'A sink joins the maximum and the sum of a row and carries no value.',
  'sinks/size': 'Sinks of any size, −∞ included, give right rows and statistics.',
  'sinks/empty-rows': 'An otherwise empty row has output 0, and its sink in the statistics.',
  'sinks/gradient': 'Gradients with sinks of any size are right.',
};

function sinksOf(...sinks: readonly number[]): (request: CaseRequest) => CaseRequest {
  return (request) => ({ ...request, sinks: tensor(Float32Array.from(sinks), [sinks.length]) });
}

export function sinksCases(): ConformanceCase[] {
  const all: Sketch = { outputs: ['output', 'weights', 'logSumExp', 'statistics'] };
  const sizes = {
    zero: [0, 0],
    'above-all-scores': [60, 80],
    'below-all-scores': [-60, -80],
    'minus-infinity': [-Infinity, -Infinity],
    'minus-infinity-in-one-head': [1, -Infinity],
    'at-1e4': [1e4, -1e4],
  };
  return [
    ...agreements('sinks', {
      control: { sinks: true },
      'three-heads': { sinks: true, heads: 3, queryLength: 4 },
      'no-keys': { sinks: true, keyLength: 0 },
      causal: { sinks: true, causal: true },
      'window-causal': { sinks: true, causal: true, window: { left: 1 } },
      'boolean-mask': { sinks: true, mask: { kind: 'boolean', shape: [7, 7] } },
      'key-lengths': { sinks: true, keyLengths: [0, 4] },
      'query-lengths': { sinks: true, queryLengths: [0, 4] },
      softcap: { sinks: true, softcap: 1 },
      bias: { sinks: true, bias: { shape: [7, 7] } },
      scale: { sinks: true, scale: 0.1 },
      gqa: { sinks: true, heads: 6, kvHeads: 2 },
      'layout-blhd': { sinks: true, layout: 'blhd', heads: 3 },
      'across-tiles': { sinks: true, batch: 1, queryLength: 33, keyLength: 65 },
      peaked: { sinks: true, spread: 8 },
    }),
    ...Object.entries(sizes).flatMap(([name, sinks]) => [
      agreement('sinks', `size/${name}`, all, sinksOf(...sinks)),
      agreement(
        'sinks',
        `empty-rows/${name}`,
        { ...all, keyLengths: [0, 4], queryLengths: [7, 3] },
        sinksOf(...sinks),
      ),
      agreement('sinks', `gradient/${name}`, { gradient: true, keyLengths: [0, 4] }, sinksOf(...sinks)),
    ]),
  ];
}
