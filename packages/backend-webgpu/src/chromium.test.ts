import { allCases } from '@heed/conformance';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenPage, absence, isRequired, openPage } from './test/chromium.ts';
import type { WebgpuOptions } from './index.ts';

/**
 * SwiftShader takes seconds to compile the clearing of workgroup memory, which our kernels do not need. A browser cannot
 * be told so by a page, only by whoever starts it; some of the suite is run as users have it.
 */
const WITHOUT_CLEARING = '--enable-dawn-features=disable_workgroup_init';
const SOME = ['order', 'causal'];

const clauses = [...new Set((await allCases()).map(({ clause }) => clause))];

function inChromium(name: string, flags: readonly string[], define: (opened: () => OpenPage) => void): void {
  const skips = absence !== null && !isRequired();
  describe.skipIf(skips)(`in headless Chromium, ${name}${absence === null ? '' : `: ${absence}`}`, () => {
    let page: OpenPage | undefined;
    beforeAll(async () => {
      page = await openPage(flags);
    });
    afterAll(() => page?.close());
    define(() => page!);
  });
}

async function expectNoFailure({ page }: OpenPage, options: WebgpuOptions, clause: string): Promise<void> {
  const report = await page.evaluate(([given, one]) => window.verifyClause!(given, one), [
    options,
    clause,
  ] as const);
  expect(report.device).toContain('WebGPU');
  expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
}

inChromium('the whole suite', [WITHOUT_CLEARING], (opened) => {
  for (const clause of clauses) {
    test(`clause ${clause}`, { timeout: 600_000 }, () => expectNoFailure(opened(), {}, clause));
  }

  test('the device says what really runs', async () => {
    const device = await opened().page.evaluate(() => window.deviceOf!({}));
    expect(device).toMatch(/^WebGPU, .*swiftshader.*, in software, subgroups of 4 and more$/i);
    const without = await opened().page.evaluate(() => window.deviceOf!({ subgroups: false }));
    expect(without).toMatch(/in software$/);
  });

  test('a worker computes as a page does', async () => {
    expect(await opened().page.evaluate(() => window.deviceInWorker!())).toMatch(/^WebGPU, /);
  });
});

inChromium('as it comes', [], (opened) => {
  for (const clause of SOME) {
    test(`${clause}, without subgroups`, { timeout: 600_000 }, () =>
      expectNoFailure(opened(), { subgroups: false }, clause),
    );
  }
});

inChromium('without WebGPU', ['--disable-features=WebGPU', '--disable-blink-features=WebGPU'], (opened) => {
  test('the error says what to do', async () => {
    const error = JSON.parse(await opened().page.evaluate(() => window.deviceOf!({})));
    expect(error).toMatchObject({ code: 'UNAVAILABLE', remedy: expect.any(String) });
  });
});
