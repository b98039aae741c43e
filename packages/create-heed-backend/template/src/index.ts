import { type BackendProvider, CONTRACT_VERSION } from '@heed/core';
import { checkOptions, defineBackend } from '@heed/core/backend';
import { forward } from './forward.ts';

/** What a backend package exports by default. Importing it does nothing: users pass it in, or call `create`. */
const provider: BackendProvider<void> = {
  contract: CONTRACT_VERSION,
  name: 'three-loops',

  // Where the engine cannot run: { available: false, reason, remedy }. Must not throw, nor take long.
  probe: async () => ({ available: true }),

  create: async (options: unknown = {}) => {
    // An option that does not exist must be refused. Write yours here: { threads: integer(1, 64) }, with `integer` of
    // @heed/core/backend, and their type in the place of `unknown` and `void`.
    checkOptions('three-loops.create()', options, {});
    return defineBackend({
      name: 'three-loops',
      // What really runs, never what was asked for.
      device: 'JavaScript, one thread',
      // What is declared must pass; what is not declared is refused, by defineBackend.
      capabilities: { dtypes: ['float32'], features: [], guarantees: ['repeat', 'batch'] },
      compile: (problem) => ({
        plan: {
          algorithm: 'three loops',
          tile: { query: 1, key: problem.keyLength },
          scratchBytes: 8 * problem.keyLength,
        },
        run: (inputs) => ({ output: forward(problem, inputs) }),
      }),
    });
  },
};
export default provider;
