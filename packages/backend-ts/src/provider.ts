import { type BackendProvider, CONTRACT_VERSION, FEATURES, GUARANTEES } from '@heed/core';
import { defineBackend } from '@heed/core/backend';
import { backward } from './backward.ts';
import { forward } from './forward.ts';
import { heapPool } from './heap.ts';
import { backwardLayout, forwardLayout } from './layout.ts';
import { inTurns } from './turns.ts';

export const provider: BackendProvider<void> = {
  contract: CONTRACT_VERSION,
  name: 'ts',
  probe: async () => ({ available: true }),
  create: async () => {
    const heaps = heapPool();
    return defineBackend({
      name: 'ts',
      device: 'JavaScript, one thread',
      capabilities: { dtypes: ['float32', 'float64'], features: FEATURES, guarantees: GUARANTEES },
      compile(problem) {
        const layout = forwardLayout(problem);
        return {
          plan: {
            algorithm: 'flash, online softmax, float64 tiles',
            tile: { query: layout.rows, key: layout.keys },
            scratchBytes: 8 * layout.length,
          },
          async run(inputs, { signal }) {
            const heap = heaps.take(layout.length);
            try {
              return await inTurns(forward(problem, inputs, heap, layout), signal);
            } finally {
              heaps.give(heap);
            }
          },
          async gradient(inputs, results, { signal }) {
            const layout = backwardLayout(problem);
            const heap = heaps.take(layout.length);
            try {
              return await inTurns(backward(problem, inputs, results, heap, layout), signal);
            } finally {
              heaps.give(heap);
            }
          },
        };
      },
    });
  },
};
