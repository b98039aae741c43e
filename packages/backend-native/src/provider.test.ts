import { describe, expect, test } from 'vitest';
import native from './index.ts';

const { available } = await native.probe();

describe.runIf(available)('create', () => {
  test('device names level and threads', async () => {
    const one = await native.create({ threads: 1, level: 'plain' });
    const three = await native.create({ threads: 3 });
    expect(one.device).toBe('native plain, 1 thread');
    expect(three.device).toMatch(/^native (AVX-512|AVX2|NEON|plain), 3 threads$/);
    await one.dispose();
    await three.dispose();
  });

  test('a level that the machine lacks is UNAVAILABLE, and the error names those that it has', async () => {
    const foreign = process.arch === 'x64' ? 'neon' : 'avx2';
    await expect(native.create({ level: foreign })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('plain') as string,
    });
  });

  test.each([{ threads: 0 }, { threads: 1.5 }, { threads: 257 }, { level: 'sse' }])('%j', async (options) => {
    await expect(native.create(options as never)).rejects.toMatchObject({ code: 'ARGUMENT' });
  });

  test('an option that does not exist', async () => {
    await expect(native.create({ thread: 1 } as never)).rejects.toMatchObject({ code: 'UNKNOWN_OPTION' });
  });
});
