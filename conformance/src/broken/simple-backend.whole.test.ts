import { testSimpleBackend } from './simple-backend-suite.ts';

await testSimpleBackend('whole');
