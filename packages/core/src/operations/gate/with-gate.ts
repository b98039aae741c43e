import type { LinearDefinition, LinearKernelDefinition } from '../../backend/linear/guard.ts';
import type { NativeTensor } from '../../backend/memory.ts';
import type { HostViews } from '../../backend/operations/host-views.ts';
import type { LinearProblem } from '../../linear/contract.ts';
import type { ComputeDType } from '../../tensor.ts';
import { gateGradientHere, gateHere } from './host.ts';

/**
 * Linear projections of a backend with gates besides (`linear.gate`): both halves are one product of the backend, and JavaScript
 * multiplies them in the engine's memory. For engines whose tensors JavaScript can see.
 *
 * @param definition compiles problems without a gate.
 */
export function withGate<N extends NativeTensor>(
  definition: LinearDefinition<N>,
  views: HostViews<N>,
): LinearDefinition<N> {
  return {
    ...definition,
    gates: true,
    compile: (problem) => (problem.gate ? gated(definition, views, problem) : definition.compile(problem)),
  };
}

async function gated<N extends NativeTensor>(
  definition: LinearDefinition<N>,
  { view, make, free }: HostViews<N>,
  { activation, ...problem }: Required<LinearProblem>,
): Promise<LinearKernelDefinition<N>> {
  const outputDim = 2 * problem.outputDim;
  const inner = await definition.compile({ ...problem, outputDim, activation: null, gate: false });
  /** Makes a tensor beside another, which is freed, and fills it. */
  const after = (z: N, width: number, fill: (z: N, result: N) => void): N => {
    try {
      const result = make(z.dtype as ComputeDType, [...z.shape.slice(0, -1), width]);
      fill(z, result);
      return result;
    } finally {
      free(z);
    }
  };
  return {
    pack: (parameters) => inner.pack(parameters),
    ...(inner.packStored && { packStored: (parameters) => inner.packStored!(parameters) }),
    free: (weights) => inner.free?.(weights),
    dispose: () => inner.dispose?.(),
    async run(input, weights, options, residual) {
      const z = await inner.run(input, weights, options);
      return after(z, problem.outputDim, (from, to) => {
        const output = gateHere(activation, view(from), view(to));
        const past = residual && view(residual).data;
        if (past) for (let n = 0; n < past.length; n++) output.data[n]! += past[n]!;
      });
    },
    ...(inner.gradient && {
      async gradient(input, weights, dOutput, options, dResidual) {
        const z = await inner.run(input, weights, options);
        const dZ = after(z, outputDim, (from, to) =>
          gateGradientHere(activation, view(from), view(dOutput), view(to)),
        );
        try {
          return await inner.gradient!(input, weights, dZ, options, dResidual);
        } finally {
          free(dZ);
        }
      },
    }),
  };
}
