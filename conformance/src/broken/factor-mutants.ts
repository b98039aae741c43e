import type { Tensor } from '@heed/core';
import type { KernelDefinition } from '@heed/core/backend';
import type { Mutant } from './mutant.ts';

/** Small factor, like that of a wrong constant or an exponential of 12 bits: far above any rounding. */
const FACTOR = 1 - 2 ** -12;

function multiply(tensor: Tensor | undefined): void {
  tensor?.data.forEach((number, n) => {
    tensor.data[n] = number * FACTOR;
  });
}

function factor(clause: string, wrap: (right: KernelDefinition) => Partial<KernelDefinition>): Mutant {
  return { clause, overrides: { kernel: (right) => ({ ...right, ...wrap(right) }) } };
}

/** One result of each forward run is too small by the factor. */
function ofForward(name: 'output' | 'weights' | 'logSumExp' | 'rowMax' | 'rowSum'): Mutant {
  return factor('accuracy', (right) => ({
    run: async (inputs, options) => {
      const results = await right.run(inputs, options);
      const { statistics, ...others } = results;
      multiply(({ ...others, ...statistics } as Readonly<Record<string, Tensor>>)[name]);
      return results;
    },
  }));
}

/** One gradient is too small by the factor. */
function ofGradient(clause: string, name: 'dQuery' | 'dKey' | 'dValue' | 'dBias' | 'dSinks'): Mutant {
  return factor(clause, (right) => ({
    gradient: async (inputs, forward, options) => {
      const gradients = await right.gradient!(inputs, forward, options);
      multiply(gradients[name]);
      return gradients;
    },
  }));
}

/** Backends that have one result off by a small factor. */
export const FACTOR_MUTANTS: Readonly<Record<string, Mutant>> = {
  'output off by 2⁻¹²': ofForward('output'),
  'weights off by 2⁻¹²': ofForward('weights'),
  'logSumExp off by 2⁻¹²': ofForward('logSumExp'),
  'rowMax off by 2⁻¹²': ofForward('rowMax'),
  'rowSum off by 2⁻¹²': ofForward('rowSum'),
  'dQuery off by 2⁻¹²': ofGradient('accuracy', 'dQuery'),
  'dKey off by 2⁻¹²': ofGradient('accuracy', 'dKey'),
  'dValue off by 2⁻¹²': ofGradient('accuracy', 'dValue'),
  'dBias off by 2⁻¹²': ofGradient('gradient', 'dBias'),
  'dSinks off by 2⁻¹²': ofGradient('gradient', 'dSinks'),
};
