import { test } from 'vitest';
import { expectNoFailureIn256Bits } from '../test/in-256-bits.ts';

test.skipIf(process.arch !== 'x64')('the whole suite in 256 bits', { timeout: 600_000 }, () => {
  expectNoFailureIn256Bits(1);
});
