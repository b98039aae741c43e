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
