import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Mode } from '../index.ts';
import { type OpenPage, absence, openPage } from './chromium.ts';
import { isRequired } from './required.ts';

/** Defines tests that share a page; without a browser they are skipped, with the remedy. */
export function inChromium(
  name: string,
  policy: string | undefined,
  define: (opened: () => OpenPage) => void,
): void {
  const skips = absence !== null && !isRequired();
  describe.skipIf(skips)(`in headless Chromium, ${name}${absence === null ? '' : `: ${absence}`}`, () => {
    let page: OpenPage | undefined;
    beforeAll(async () => {
      page = await openPage(policy);
    });
    afterAll(() => page?.close());
    define(() => page!);
  });
}

/** A mode, and its clauses; undefined: the whole suite. */
export type ClausesOfModes = Partial<Record<Mode, readonly string[] | undefined>>;

/** Defines a test for each mode: its clauses pass in the page. */
export function testModes(clausesOfModes: ClausesOfModes, opened: () => OpenPage): void {
  for (const [mode, clauses] of Object.entries(clausesOfModes) as [Mode, readonly string[] | undefined][]) {
    test(`${mode}: ${clauses?.join(', ') ?? 'the whole suite'}`, { timeout: 300_000 }, async () => {
      const report = await opened().page.evaluate(([name, some]) => window.verifyMode!(name, some), [
        mode,
        clauses,
      ] as const);
      expect(report.device).toContain(`gpu.js ${mode}`);
      expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
      expect(report.passed).toBeGreaterThan(90);
    });
  }
}
