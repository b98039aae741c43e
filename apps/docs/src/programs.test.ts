import { testPrograms } from './programs.ts';

testPrograms('test');
