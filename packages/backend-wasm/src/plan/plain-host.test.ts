import { conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import { plainHost } from './plain-host.test.helper.ts';

describe('one thread, without relaxed SIMD', () => {
  conformance(plainHost({ shared: false, relaxedSimd: false }), { describe, test });
});
