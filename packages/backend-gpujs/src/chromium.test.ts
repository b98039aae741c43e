import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Mode } from './index.ts';
import { type OpenPage, absence, openPage } from './test/chromium.ts';
import { isRequired } from './test/required.ts';

/** A mode that Node has not is verified whole; the others have been there, or are much the same. */
const SOME = ['contract', 'order', 'accuracy', 'mask', 'gradient', 'resident', 'nonfinite'];
const FEW = ['contract', 'order', 'resident'];
const CLAUSES: Partial<Record<Mode, readonly string[] | undefined>> = {
  webgl2: undefined,
  webgpu: SOME,
  webgl: SOME,
  webasm: FEW,
  cpu: FEW,
};

describe.skipIf(absence !== null && !isRequired())(
  `in headless Chromium${absence === null ? '' : `: ${absence}`}`,
  () => {
    let opened: OpenPage | undefined;
    beforeAll(async () => {
      opened = await openPage();
    });
    afterAll(() => opened?.close());

    test.each(['webgl2', 'webgl'] as const)('%s: no texture is left by a run', async (mode) => {
      expect(await opened!.page.evaluate((name) => window.texturesLeft!(name), mode)).toBe(0);
    });

    for (const [mode, clauses] of Object.entries(CLAUSES) as [Mode, readonly string[] | undefined][]) {
      test(`${mode}: ${clauses?.join(', ') ?? 'the whole suite'}`, { timeout: 300_000 }, async () => {
        const report = await opened!.page.evaluate(([name, some]) => window.verifyMode!(name, some), [
          mode,
          clauses,
        ] as const);
        expect(report.device).toContain(`gpu.js ${mode}`);
        expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
        expect(report.passed).toBeGreaterThan(90);
      });
    }
  },
);

const forbidden = (source: string): object => ({
  code: 'UNAVAILABLE',
  message: expect.stringContaining('content security policy') as string,
  remedy: expect.stringContaining(source) as string,
});
const POLICIES: Readonly<Record<string, Partial<Record<Mode | 'threads', object>>>> = {
  "script-src 'self'": { webasm: forbidden("'wasm-unsafe-eval'"), cpu: forbidden("'unsafe-eval'") },
  "script-src 'self' 'wasm-unsafe-eval'": {
    cpu: forbidden("'unsafe-eval'"),
    threads: { code: 'UNAVAILABLE', remedy: expect.stringContaining('worker-src blob:') as string },
  },
  "script-src 'self' 'unsafe-eval'; worker-src blob:": {},
};

describe.skipIf(absence !== null && !isRequired()).each(Object.entries(POLICIES))(
  'in headless Chromium, with the policy %s',
  (policy, refused) => {
    let opened: OpenPage | undefined;
    beforeAll(async () => {
      opened = await openPage(policy);
    });
    afterAll(() => opened?.close());

    test.each(['webgpu', 'webgl2', 'webgl', 'webasm', 'cpu', 'threads'] as const)(
      '%s works, or says what is forbidden',
      async (name) => {
        const options = name === 'threads' ? { mode: 'webasm' as const, threads: 2 } : { mode: name };
        const { webasm } = refused;
        const outcome = refused[name] ?? (name === 'threads' ? webasm : undefined);
        const device = await opened!.page.evaluate((given) => window.deviceOf!(given), options);
        if (outcome === undefined) expect(device).toContain('gpu.js');
        else expect(device).toMatchObject(outcome);
      },
    );

    test('the probe tells what create() will do', async () => {
      const { available } = await opened!.page.evaluate(() => window.probe!());
      const outcome = await opened!.page.evaluate(() => window.deviceOf!({}));
      expect(available).toBe(typeof outcome === 'string');
      if (!available)
        expect(outcome).toMatchObject({ code: 'UNAVAILABLE', remedy: expect.stringContaining('wasm') });
    });
  },
);
