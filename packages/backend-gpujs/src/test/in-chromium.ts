import { type OpenPage, inChromium as inAnyChromium } from '@heed/testing';
import { expect, test } from 'vitest';
import type { Mode } from '../index.ts';

/** Defines tests that share a page with this content security policy. */
export function inChromium(
  name: string,
  policy: string | undefined,
  define: (opened: () => OpenPage) => void,
): void {
  const options = {
    dist: new URL('../../dist/', import.meta.url),
    backend: 'gpujs',
    ready: 'verifyMode',
    isolated: true,
    // Software WebGPU counts as unsafe.
    flags: ['--enable-unsafe-webgpu'],
    ...(policy !== undefined && { contentSecurityPolicy: policy }),
  };
  inAnyChromium(name, options, define);
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
