import { allCases } from '@heed/conformance';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type OpenPage,
  type PageOptions,
  SOFTWARE_WEBGPU,
  absence,
  isRequired,
  openPage,
} from './test/chromium.ts';
import type { WebgpuOptions } from './index.ts';

/**
 * SwiftShader takes seconds to compile the clearing of workgroup memory, which our kernels do not need. A browser cannot
 * be told so by a page, only by whoever starts it; some of the suite is run as users have it.
 */
const WITHOUT_CLEARING = '--enable-dawn-features=disable_workgroup_init';
const SOME = ['order', 'causal'];

/** Clauses whose cases are few or quick in software; `test:whole` runs all of them. */
const QUICK = ['order', 'softcap', 'sinks'];
const isWhole = process.env['HEED_WHOLE'] === '1';
const clauses = isWhole ? [...new Set((await allCases()).map(({ clause }) => clause))] : QUICK;

function inChromium(name: string, options: PageOptions, define: (opened: () => OpenPage) => void): void {
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

async function expectNoFailure({ page }: OpenPage, options: WebgpuOptions, clause: string): Promise<void> {
  const report = await page.evaluate(([given, one]) => window.verifyClause!(given, one), [
    options,
    clause,
  ] as const);
  expect(report.device).toContain('WebGPU');
  expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
}

inChromium(
  isWhole ? 'the whole suite' : 'some of the suite',
  { flags: [SOFTWARE_WEBGPU, WITHOUT_CLEARING] },
  (opened) => {
    for (const clause of clauses) {
      test(`clause ${clause}`, { timeout: 600_000 }, () => expectNoFailure(opened(), {}, clause));
    }

    test('the device says what really runs', async () => {
      const device = await opened().page.evaluate(() => window.deviceOf!({}));
      expect(device).toMatch(/^WebGPU, .*swiftshader \(software\), subgroups of 4\+$/i);
      const without = await opened().page.evaluate(() => window.deviceOf!({ subgroups: false }));
      expect(without).toMatch(/\(software\)$/);
    });

    test('a worker computes as a page does', async () => {
      expect(await opened().page.evaluate(() => window.deviceInWorker!())).toMatch(/^WebGPU, /);
    });
  },
);

inChromium('as it comes', { flags: [SOFTWARE_WEBGPU] }, (opened) => {
  for (const clause of isWhole ? SOME : ['gqa']) {
    test(`${clause}, without subgroups`, { timeout: 600_000 }, () =>
      expectNoFailure(opened(), { subgroups: false }, clause),
    );
  }
});

async function expectUnavailable({ page }: OpenPage, reason: string): Promise<void> {
  const error = JSON.parse(await page.evaluate(() => window.deviceOf!({}))) as unknown;
  expect(error).toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining(reason),
    remedy: expect.any(String),
  });
}

inChromium('without https', { flags: [SOFTWARE_WEBGPU], host: 'heed.test' }, (opened) => {
  test('there is no navigator.gpu, and the error says so', () =>
    expectUnavailable(opened(), 'there is no navigator.gpu'));
});

inChromium('without a GPU', {}, (opened) => {
  test('there is no adapter, and the error says so', () =>
    expectUnavailable(opened(), 'there is no GPU adapter'));
});
