import { test } from 'vitest';
import { MANNERS, expectNoBlame } from './float32-blame.ts';

test('arithmetic in float32 is not blamed: eight lanes, scaled query', { timeout: 300_000 }, () =>
  expectNoBlame(MANNERS['eight lanes, scaled query']!),
);
