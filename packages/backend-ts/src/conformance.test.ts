import { conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import ts from './index.ts';

await conformance(ts, { describe, test });
