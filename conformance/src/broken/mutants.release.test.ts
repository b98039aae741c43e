import { testMutants } from './mutants.ts';

testMutants('release');
