import { describe, test } from 'vitest';
import { conformance } from '../conformance.ts';
import { simpleProvider } from './simple-backend.ts';

// The backend that mutants are made of is correct.
await conformance(simpleProvider(), { describe, test });
