import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { WasmOptions } from '../index.ts';
import { type OpenPage, absence, isRequired, openPage } from './chromium.ts';
import type { Headers } from './site.ts';

const skips = absence !== null && !isRequired();

/** Defines tests that share a page. */
export function inChromium(headers: Headers, name: string, define: (opened: () => OpenPage) => void): void {
  describe.skipIf(skips)(`in headless Chromium, ${name}${absence === null ? '' : `: ${absence}`}`, () => {
    let page: OpenPage | undefined;
    beforeAll(async () => {
      page = await openPage(headers);
    });
    afterAll(() => page?.close());
    define(() => page!);
  });
}

/** Expects that every case of these clauses, or of all, passes in the page. */
export async function expectNoFailure(
  { page }: OpenPage,
  options: WasmOptions,
  clauses?: readonly string[],
): Promise<void> {
  const report = await page.evaluate(([given, some]) => window.verifyWasm!(given, some), [
    options,
    clauses,
  ] as const);
  expect(report.device).toContain(`SIMD, ${options.threads} thread`);
  expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
  expect(report.passed).toBeGreaterThan(40);
}
