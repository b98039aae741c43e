import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { WebgpuOptions } from '../index.ts';
import { type OpenPage, type PageOptions, SOFTWARE_WEBGPU, absence, openPage } from './chromium.ts';
import { isRequired } from './required.ts';

/** The software GPU as it comes. */
export const AS_IT_COMES: PageOptions = { flags: [SOFTWARE_WEBGPU] };

/**
 * SwiftShader takes seconds to compile the clearing of workgroup memory, which our kernels do not need. A page cannot
 * tell the browser so, only the command that starts it can; some of the suite runs as users have it.
 */
export const WITHOUT_CLEARING: PageOptions = {
  flags: [SOFTWARE_WEBGPU, '--enable-dawn-features=disable_workgroup_init'],
};

/** Defines tests that share a page; skipped, with the remedy, if there is no browser. */
export function inChromium(
  name: string,
  options: PageOptions,
  define: (opened: () => OpenPage) => void,
): void {
  const skips = absence !== null && !isRequired();
  describe.skipIf(skips)(`in headless Chromium, ${name}${absence === null ? '' : `: ${absence}`}`, () => {
    let page: OpenPage | undefined;
    beforeAll(async () => {
      page = await openPage(options);
    });
    afterAll(() => page?.close());
    define(() => page!);
  });
}

/** Expects that every case of a clause passes in the page. */
export async function expectNoFailure(
  { page }: OpenPage,
  options: WebgpuOptions,
  clause: string,
): Promise<void> {
  const report = await page.evaluate(([given, one]) => window.verifyClause!(given, one), [
    options,
    clause,
  ] as const);
  expect(report.device).toContain('WebGPU');
  expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
}
