import { testNoBlame } from './float32-blame.ts';

testNoBlame(0);
