import { describe, test } from 'node:test';
import { conformance } from '@heed/conformance';
import provider from './index.ts';

await conformance(provider, { describe, test });
