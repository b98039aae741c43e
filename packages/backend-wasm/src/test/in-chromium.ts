import { type Headers, type OpenPage, inChromium as inAnyChromium } from '@heed/testing';
import { expect } from 'vitest';
import type { WasmOptions } from '../index.ts';
import { SITE } from './site.ts';

/** Defines tests that share a page. */
export function inChromium(headers: Headers, name: string, define: (opened: () => OpenPage) => void): void {
  inAnyChromium(name, { ...SITE, ...headers, backend: 'wasm', ready: 'verifyWasm' }, define);
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
