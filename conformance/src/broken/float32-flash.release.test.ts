import { test } from 'vitest';
import { MANNERS, expectNoBlame } from './float32-blame.ts';

const { 'eight lanes, scaled query': _inTest, ...others } = MANNERS;

test.each(Object.entries(others))(
  'arithmetic in float32 is not blamed: %s',
  { timeout: 300_000 },
  (_, manner) => expectNoBlame(manner),
);
