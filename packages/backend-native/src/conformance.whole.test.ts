import { suite } from './test/suite.ts';

await suite('whole');
