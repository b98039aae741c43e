import { conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import tfjsNode from './index.ts';

await conformance(tfjsNode, { describe, test });
