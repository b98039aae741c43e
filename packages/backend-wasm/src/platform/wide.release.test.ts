import { test } from 'vitest';
import { expectNoFailureIn256Bits } from '../test/in-256-bits.ts';

test.skipIf(process.arch !== 'x64')('a third of the suite in 256 bits', { timeout: 600_000 }, () => {
  expectNoFailureIn256Bits(3);
});
