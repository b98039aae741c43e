import reference from '@heed/core/reference';
import { describe, test } from 'vitest';
import { conformance } from './conformance.ts';

await conformance(reference, { describe, test });
