import type { Example } from './example.ts';
import { hardAndSoft } from './hard-and-soft/example.ts';
import { keyFrames } from './key-frames/example.ts';
import { recommendation } from './recommendation/example.ts';
import { scans } from './scans/example.ts';
import { translation } from './translation/example.ts';

/** Every example that trains, by its name. */
export const EXAMPLES: readonly Example[] = [translation, keyFrames, scans, recommendation, hardAndSoft];
