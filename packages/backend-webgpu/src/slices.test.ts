import { slices } from './test/slices.ts';

slices('test');
