import { conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import { tfjsNodeProvider } from './provider.ts';

// Tiles of three rows and few keys: the cases of the suite, small as they are, then take many tiles of every kind.
const limits = { scores: 200, sampledScores: 200, fewestRows: 3, apart: 8 };
const runner = {
  describe(name: string, define: () => void): void {
    describe(`in small tiles: ${name}`, () => {
      define();
    });
  },
  test,
};

await conformance(tfjsNodeProvider({ limits }), runner);
