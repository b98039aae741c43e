import { type OpenPage, type PageOptions, inChromium as inAnyChromium } from '@heed/testing';
import { expect } from 'vitest';
import type { WebgpuOptions } from '../index.ts';

type Options = Pick<PageOptions, 'flags' | 'host'>;

/** Software WebGPU counts as unsafe. */
const SOFTWARE_WEBGPU = '--enable-unsafe-webgpu';

/** The software GPU as it comes. */
export const AS_IT_COMES: Options = { flags: [SOFTWARE_WEBGPU] };

/**
 * SwiftShader takes seconds to compile the clearing of workgroup memory, which our kernels do not need. A page cannot
 * tell the browser so, only the command that starts it can; some of the suite runs as users have it.
 */
export const WITHOUT_CLEARING: Options = {
  flags: [SOFTWARE_WEBGPU, '--enable-dawn-features=disable_workgroup_init'],
};

/** Defines tests that share a page. */
export function inChromium(name: string, options: Options, define: (opened: () => OpenPage) => void): void {
  const dist = new URL('../../dist/', import.meta.url);
  inAnyChromium(name, { dist, backend: 'webgpu', ready: 'verifyClause', ...options }, define);
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
