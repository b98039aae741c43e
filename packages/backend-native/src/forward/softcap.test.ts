import { attention, tensor } from '@heed/core';
import { expect, test } from 'vitest';
import native from '../index.ts';

test.each(['auto', 'plain'] as const)(
  'capped scores are rounded up as often as down, level %s',
  async (level) => {
    const backend = await native.create({ threads: 1, ...(level !== 'auto' && { level }) });
    const unit = 2 ** -24;
    const scores = Float32Array.from({ length: 4096 }, (_, n) => (n - 2047.5) / 1024);
    const one = tensor(new Float32Array([1]), [1, 1, 1, 1]);
    // Of caps whose reciprocals are between two numbers.
    for (const cap of [0.7, 3.3, 6.1, 12.7, 23.3, 49.9].map(Math.fround)) {
      const query = tensor(
        scores.map((x) => x * cap),
        [1, 1, scores.length, 1],
      );
      const options = { query, key: one, value: one, scale: 1, softcap: cap, output: false } as const;
      const { logSumExp } = await attention(backend, { ...options, logSumExp: true });
      let mean = 0;
      for (const [n, score] of query.data.entries()) {
        const exact = cap * Math.tanh(score / cap);
        const error = (logSumExp.data[n]! - exact) / exact / unit;
        expect(Math.abs(error)).toBeLessThan(5);
        mean += error / scores.length;
      }
      expect(Math.abs(mean), `cap ${cap}`).toBeLessThan(0.15);
    }
    await backend.dispose();
  },
);
