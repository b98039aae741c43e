import type { AttentionBackend } from '@heed/core';
import { defineBackend } from '@heed/core/backend';
import { CAPABILITIES } from './capabilities.ts';
import { forward } from './forward/forward.ts';

export function createBackend(): AttentionBackend {
  return defineBackend({
    name: 'three-loops',
    // Name what really runs, never what was requested.
    device: 'JavaScript, one thread',
    capabilities: CAPABILITIES,
    compile: (problem) => ({
      plan: {
        algorithm: 'three loops',
        tile: { query: 1, key: problem.keyLength },
        scratchBytes: 8 * problem.keyLength,
      },
      run: (inputs) => ({ output: forward(problem, inputs) }),
    }),
  });
}
