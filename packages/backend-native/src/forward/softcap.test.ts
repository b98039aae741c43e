import { CAPS, capErrors } from '@heed/testing';
import { expect, test } from 'vitest';
import native from '../index.ts';

test.each(['auto', 'plain'] as const)(
  'capped scores are rounded up as often as down, level %s',
  async (level) => {
    const backend = await native.create({ threads: 1, ...(level !== 'auto' && { level }) });
    for (const cap of CAPS) {
      const { largest, mean } = await capErrors(backend, cap);
      expect(largest, `cap ${cap}`).toBeLessThan(5);
      expect(Math.abs(mean), `cap ${cap}`).toBeLessThan(0.15);
    }
    await backend.dispose();
  },
);
