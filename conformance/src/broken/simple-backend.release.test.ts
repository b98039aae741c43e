import { describe, test } from 'vitest';
import { conformance } from '../conformance.ts';
import { simpleProvider } from './simple-backend.ts';

// What the mutants are made of is right.
await conformance(simpleProvider(), { describe, test });
