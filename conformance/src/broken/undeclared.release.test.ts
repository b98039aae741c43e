import { testUndeclared } from './undeclared.ts';

testUndeclared('release');
