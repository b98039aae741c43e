import { type BackendProvider, CONTRACT_VERSION, FEATURES, GUARANTEES } from '@heed/core';
import { checkOptions, defineBackend, inTurns } from '@heed/core/backend';
import { backward } from './backward.ts';
import { forward } from './forward.ts';
import { type Heap, heapPool } from './heap.ts';
import { backwardLayout, forwardLayout } from './layout.ts';
import { planOf } from './plan.ts';

/** A call in progress: it yields between two tiles. */
type Work<T> = (heap: Heap) => Generator<void, T, void>;

/** `@heed/backend-ts`. It runs wherever JavaScript does, and has no options. */
export const provider: BackendProvider<void> = {
  contract: CONTRACT_VERSION,
  name: 'ts',
  probe: async () => ({ available: true }),
  create: async (options: unknown = {}) => {
    checkOptions('ts.create()', options, {});
    const heaps = heapPool();
    const compute = async <T>(length: number, signal: AbortSignal | undefined, work: Work<T>): Promise<T> => {
      const heap = heaps.take(length);
      try {
        return await inTurns(work(heap), signal);
      } finally {
        heaps.give(heap);
      }
    };
    return defineBackend({
      name: 'ts',
      device: 'JavaScript, one thread',
      capabilities: { dtypes: ['float32', 'float64'], features: FEATURES, guarantees: GUARANTEES },
      compile(problem) {
        const layout = forwardLayout(problem);
        return {
          plan: planOf(problem, layout),
          run: (inputs, { signal }) =>
            compute(layout.length, signal, (heap) => forward(problem, inputs, heap, layout)),
          gradient(inputs, results, { signal }) {
            const backLayout = backwardLayout(problem);
            return compute(backLayout.length, signal, (heap) =>
              backward(problem, inputs, results, heap, backLayout),
            );
          },
        };
      },
    });
  },
};
