import { HeedError } from '@heed/core';
import { zeros } from '@heed/core/backend';
import type { Contestant } from '../contestant.ts';
import type { WorkloadRequest } from '../workload/request.ts';
import { type Workload, attendedKeys } from '../workload/workload.ts';

/**
 * Attention as a good programmer writes it down from the formula: query by query, key by key, dot products over d,
 * softmax with the maximum subtracted, then the weighted sum key by key. The default baseline of ratios.
 */
const tripleLoop: Contestant = {
  name: 'triple loop',
  probe: async () => ({ available: true }),
  async prepare(workload, request) {
    if (workload.gradient) {
      throw new HeedError('UNSUPPORTED', 'the triple loop does not compute gradients', {
        clause: 'gradient',
      });
    }
    const { batch, heads, queryLength, valueDim } = workload;
    let output = zeros('float32', [0]);
    return {
      device: 'JavaScript, one thread',
      threads: 1,
      async run() {
        output = zeros('float32', [batch, heads, queryLength, valueDim]);
        attend(workload, request, output.data);
      },
      results: async () => ({ output }),
      dispose: async () => undefined,
    };
  },
};
export default tripleLoop;

function attend(workload: Workload, request: WorkloadRequest, output: Float32Array): void {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim } = workload;
  const query = request.query.data;
  const key = request.key.data;
  const value = request.value.data;
  const scale = 1 / Math.sqrt(headDim);
  const weights = new Float32Array(keyLength);
  const mask = request.mask?.data;

  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      const kvHead = b * kvHeads + Math.floor((h * kvHeads) / heads);
      for (let i = 0; i < queryLength; i++) {
        const row = (b * heads + h) * queryLength + i;
        const q = row * headDim;
        const o = row * valueDim;
        const { first, end } = attendedKeys(workload, i);

        let max = -Infinity;
        for (let j = first; j < end; j++) {
          const k = (kvHead * keyLength + j) * headDim;
          let score = 0;
          for (let d = 0; d < headDim; d++) score += query[q + d]! * key[k + d]!;
          score = mask !== undefined && mask[i * keyLength + j] === 0 ? -Infinity : score * scale;
          weights[j] = score;
          if (score > max) max = score;
        }

        let sum = 0;
        for (let j = first; j < end; j++) {
          const exponential = Math.exp(weights[j]! - max);
          weights[j] = exponential;
          sum += exponential;
        }

        for (let j = first; j < end; j++) {
          const v = (kvHead * keyLength + j) * valueDim;
          const weight = weights[j]! / sum;
          for (let d = 0; d < valueDim; d++) output[o + d]! += weight * value[v + d]!;
        }
      }
    }
  }
}
