import { type AttentionInputs, type AttentionProblem, type Tensor, cast } from '@heed/core';
import { isHalf } from '@heed/core/backend';
import type { Mutant } from './mutant.ts';
import type { Steps } from './steps.ts';

type Inputs = AttentionInputs<Tensor>;

/** One step of the arithmetic is wrong. */
function step(steps: Partial<Steps>): Mutant {
  return { clause: 'cache', overrides: { steps } };
}

/** Computes with other inputs than the given ones, forward. */
function instead(other: (inputs: Inputs, problem: AttentionProblem) => Partial<Inputs>): Mutant {
  return {
    clause: 'cache',
    overrides: {
      kernel: (right, problem) => ({
        ...right,
        run: (inputs, options) => right.run({ ...inputs, ...other(inputs, problem) }, options),
      }),
    },
  };
}

/** Keys and values of one 16-bit type under the name of the other. */
function renamed({ shape, data }: Tensor): Tensor {
  return { dtype: 'float16', shape, data: data as Uint16Array };
}

/** Backends that are wrong about how keys and values are stored, by what is wrong with them. */
export const CACHE_MUTANTS: Readonly<Record<string, Mutant>> = {
  'a cache of bfloat16 read as float16': instead(({ key, value }, { cacheType }) =>
    cacheType === 'bfloat16' ? { key: renamed(key), value: renamed(value) } : {},
  ),
  'the query rounded to the type of the cache': instead(({ query }, { dtype, cacheType }) =>
    isHalf(cacheType) ? { query: cast(cast(query, cacheType), dtype) } : {},
  ),
  'shared keys of each element': step({ kvBatch: (b) => b }),
  'the gradient of shared keys of the first element alone': {
    clause: 'cache',
    overrides: {
      kernel: (right, problem) => ({
        ...right,
        gradient(inputs, forward, options) {
          if (problem.kvBatch === problem.batch) return right.gradient!(inputs, forward, options);
          const { dOutput } = forward;
          const data = dOutput.data.slice().fill(0, dOutput.data.length / problem.batch);
          return right.gradient!(inputs, { ...forward, dOutput: { ...dOutput, data } as Tensor }, options);
        },
      }),
    },
  },
  'gradients of keys in the type of the query': {
    clause: 'cache',
    overrides: {
      kernel: (right, { dtype }) => ({
        ...right,
        async gradient(inputs, forward, options) {
          const gradients = await right.gradient!(inputs, forward, options);
          return { ...gradients, dKey: cast(gradients.dKey, dtype) };
        },
      }),
    },
  },
};
