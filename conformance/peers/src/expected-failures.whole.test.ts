import { testExpectedFailures } from './test/expected-failures.ts';

testExpectedFailures('whole');
