import type { AttentionBackend, AttentionProblem } from '@heed/core';
import {
  type KernelDefinition,
  STORED_TYPES,
  defineBackend,
  addOnHost,
  inTurns,
  plainViews,
} from '@heed/core/backend';
import { operationsOnHost, withGate } from '@heed/core/operations';
import { CAPABILITIES } from './capabilities.ts';
import { forward } from './forward/forward.ts';
import { gradient } from './gradient/gradient.ts';
import { compileLinear } from './linear/linear.ts';
import { type Heap, type HeapPool, heapPool } from './memory/heap.ts';
import { forwardLayout, gradientLayout } from './plan/layout.ts';
import { planOf } from './plan/plan.ts';

export function createBackend(): AttentionBackend {
  const heaps = heapPool();
  return defineBackend({
    name: 'ts',
    device: 'JavaScript, one thread',
    capabilities: CAPABILITIES,
    compile: (problem) => compile(heaps, problem),
    linear: withGate(
      {
        weightTypes: STORED_TYPES,
        arguments: true,
        scalar: true,
        compile: compileLinear,
        add: addOnHost(plainViews),
      },
      plainViews,
    ),
    operations: operationsOnHost(plainViews),
  });
}

function compile(heaps: HeapPool, problem: AttentionProblem): KernelDefinition {
  const layout = forwardLayout(problem);
  return {
    plan: planOf(problem, layout),
    run: (inputs, { signal }) =>
      compute(heaps, layout.length, signal, (heap) => forward(problem, inputs, heap, layout)),
    gradient(inputs, results, { signal }) {
      const itsLayout = gradientLayout(problem);
      return compute(heaps, itsLayout.length, signal, (heap) =>
        gradient(problem, inputs, results, heap, itsLayout),
      );
    },
  };
}

/** Runs a call, which yields between two tiles, with its own heap. */
async function compute<T>(
  heaps: HeapPool,
  length: number,
  signal: AbortSignal | undefined,
  work: (heap: Heap) => Generator<void, T, void>,
): Promise<T> {
  const heap = heaps.take(length);
  try {
    return await inTurns(work(heap), signal);
  } finally {
    heaps.give(heap);
  }
}
