import { test } from 'vitest';
import { MANNERS, expectNoBlame } from './float32-blame.ts';

test.each(Object.entries(MANNERS))(
  'arithmetic in float32 is not blamed: %s',
  { timeout: 300_000 },
  (_, manner) => expectNoBlame(manner),
);
