import { testUndeclared } from './undeclared.ts';

testUndeclared('test');
