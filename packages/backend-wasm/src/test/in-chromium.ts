import { type Headers, type OpenPage, inChromium as inAnyChromium } from '@heed/testing';
import { expect } from 'vitest';
import type { WasmOptions } from '../index.ts';
import { SITE } from './site.ts';

/** Defines tests that share a page. */
export function inChromium(headers: Headers, name: string, define: (opened: () => OpenPage) => void): void {
  inAnyChromium(name, { ...SITE, ...headers, backend: 'wasm', ready: 'verifyWasm' }, define);
}

/** Expects that every case of these clauses passes in the page, or one case in so many of all clauses. */
export async function expectNoFailure(
  { page }: OpenPage,
  options: WasmOptions,
  chosen: readonly string[] | { readonly oneIn: number },
): Promise<void> {
  const [every, clauses] = 'oneIn' in chosen ? [chosen.oneIn, undefined] : [1, chosen];
  const report = await page.evaluate((words) => window.verifyWasm!(...words), [
    options,
    every,
    clauses,
  ] as Parameters<NonNullable<typeof window.verifyWasm>>);
  expect(report.device).toContain(`SIMD, ${options.threads} thread`);
  expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
  expect(report.passed).toBeGreaterThan(40);
}
