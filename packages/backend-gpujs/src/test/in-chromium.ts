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

/** Clauses, or one case in so many of the suite. */
export type Chosen = readonly string[] | { readonly oneIn: number };

/** Defines a test for each mode: what is chosen for it passes in the page. */
export function testModes(chosenOfModes: Partial<Record<Mode, Chosen>>, opened: () => OpenPage): void {
  for (const [mode, chosen] of Object.entries(chosenOfModes) as [Mode, Chosen][]) {
    const [every, clauses] = 'oneIn' in chosen ? [chosen.oneIn, undefined] : [1, chosen];
    const name = clauses?.join(', ') ?? (every === 1 ? 'the whole suite' : `one case in ${every}`);
    test(`${mode}: ${name}`, { timeout: 300_000 }, async () => {
      const report = await opened().page.evaluate((words) => window.verifyMode!(...words), [
        mode,
        every,
        clauses,
      ] as Parameters<NonNullable<typeof window.verifyMode>>);
      expect(report.device).toContain(`gpu.js ${mode}`);
      expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
      expect(report.passed).toBeGreaterThan(90);
    });
  }
}
