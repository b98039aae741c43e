import { expect, test } from 'vitest';
import type { WasmOptions } from './index.ts';
import type { OpenPage } from '@heed/testing';
import { expectNoFailure, inChromium } from './test/in-chromium.ts';

const deviceOf = ({ page }: OpenPage, options: WasmOptions): Promise<string> =>
  page.evaluate((given) => window.deviceOf!(given), options);

function jobsEndAsTheyShould(opened: () => OpenPage, threads: number): void {
  test(`jobs that fail or are aborted end, and the next is right: threads ${threads}`, async () => {
    const [failed, aborted, next] = await opened().page.evaluate((count) => window.jobs!(count), threads);
    expect(failed).toMatch(/^HeedError: .*unrepresentable/);
    expect(aborted).toContain('TimeoutError');
    expect(next).toBe(Array(14).fill(14).join());
  });
}

inChromium({ isolated: true }, 'cross-origin isolated', (opened) => {
  jobsEndAsTheyShould(opened, 1);
  jobsEndAsTheyShould(opened, 3);

  test('the default is relaxed SIMD, and as many threads as there are', async () => {
    const threads = await opened().page.evaluate(() => navigator.hardwareConcurrency);
    expect(await deviceOf(opened(), {})).toBe(
      `WebAssembly, relaxed SIMD, ${threads} thread${threads === 1 ? '' : 's'}`,
    );
  });

  test('some of the suite with two threads', () =>
    expectNoFailure(opened(), { threads: 2 }, ['order', 'mask', 'gradient', 'resident']));
});

inChromium({ isolated: false }, 'not isolated', (opened) => {
  jobsEndAsTheyShould(opened, 1);

  test('there is one thread, and more are refused', async () => {
    expect(await deviceOf(opened(), {})).toBe('WebAssembly, relaxed SIMD, 1 thread');
    expect(JSON.parse(await deviceOf(opened(), { threads: 2 }))).toMatchObject({
      code: 'UNAVAILABLE',
      remedy: expect.stringContaining('Cross-Origin-Opener-Policy'),
    });
  });

  test('some of the suite', () =>
    expectNoFailure(opened(), { threads: 1 }, ['order', 'mask', 'gradient', 'contract', 'resident']));
});

/** Policy of strict pages; a test's page needs its own script. */
const STRICT = "default-src 'self'; script-src 'self'";

inChromium(
  { isolated: true, contentSecurityPolicy: STRICT },
  'where a policy forbids WebAssembly',
  (opened) => {
    const absent = { remedy: expect.stringContaining("'wasm-unsafe-eval'") };

    test('the probe says so, and what to do, and create does', async () => {
      expect(await opened().page.evaluate(() => window.probe!())).toMatchObject({
        available: false,
        ...absent,
      });
      for (const options of [{}, { threads: 1 }, { threads: 2 }]) {
        const error = JSON.parse(await deviceOf(opened(), options)) as object;
        expect(error).toMatchObject({ code: 'UNAVAILABLE', ...absent });
      }
    });
  },
);

inChromium(
  { isolated: true, contentSecurityPolicy: `${STRICT} 'wasm-unsafe-eval'` },
  'where a policy allows WebAssembly, and no workers from source',
  (opened) => {
    test('there is one thread, and more are refused', async () => {
      expect(await opened().page.evaluate(() => window.probe!())).toEqual({ available: true });
      expect(await deviceOf(opened(), {})).toBe('WebAssembly, relaxed SIMD, 1 thread');
      expect(JSON.parse(await deviceOf(opened(), { threads: 2 }))).toMatchObject({
        code: 'UNAVAILABLE',
        remedy: expect.stringContaining('option worker'),
      });
    });

    test('there are threads from the address of the worker', async () => {
      const options = { threads: 2, worker: '/worker.js' };
      expect(await deviceOf(opened(), options)).toBe('WebAssembly, relaxed SIMD, 2 threads');
      await expectNoFailure(opened(), options, ['order', 'accuracy']);
    });
  },
);

inChromium({ isolated: true, contentSecurityPolicy: "worker-src 'none'" }, 'without workers', (opened) => {
  test('there is one thread, and more are refused', async () => {
    expect(await deviceOf(opened(), {})).toBe('WebAssembly, relaxed SIMD, 1 thread');
    expect(JSON.parse(await deviceOf(opened(), { threads: 2 }))).toMatchObject({
      code: 'UNAVAILABLE',
      remedy: expect.stringContaining('worker-src'),
    });
  });
});
