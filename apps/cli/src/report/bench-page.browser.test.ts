/** Tests that the content of a run's page is visible in a real browser. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CHROMIUM, absence, isRequired, launch } from '@heed/testing';
import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { heed } from '../test/heed.ts';

const REPORTS = path.resolve(import.meta.dirname, '../../.reports');
const missing = absence !== null && !isRequired();

describe.skipIf(missing)(`the page of heed bench (needs ${CHROMIUM}: apt-get install chromium)`, () => {
  let browser: Browser;
  let url: string;

  beforeAll(async () => {
    const cwd = mkdtempSync(path.join(tmpdir(), 'heed-test-'));
    const words = [
      'bench',
      'ts',
      'reference',
      '--workload',
      'dense',
      '--workload',
      'causal',
      '--lengths',
      '16,32,64',
    ];
    const { code, stderr } = heed([...words, '--rounds', '3', '--turn', '0.05', '--threads', '1'], { cwd });
    expect(code, stderr).toBe(0);
    const results = path.join(cwd, 'results');
    url = pathToFileURL(
      path.join(
        results,
        readdirSync(results).find((name) => name.endsWith('.html'))!,
      ),
    ).href;
    browser = await launch();
    mkdirSync(REPORTS, { recursive: true });
    return async () => {
      await browser.close();
      rmSync(cwd, { recursive: true });
    };
  }, 300_000);

  test.each([
    ['light', 1200],
    ['dark', 1200],
    ['light', 390],
  ] as const)('shows its charts, %s and %i wide', async (colorScheme, width) => {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(url);
    expect(complaints).toEqual([]);
    expect(requests).toEqual([url]);

    const charts = await page.locator('figure svg').all();
    expect(charts).toHaveLength(6);
    for (const chart of charts) {
      const box = (await chart.boundingBox())!;
      expect(box.width).toBeGreaterThan(Math.max(600, width * 0.75));
      expect(box.height).toBeGreaterThan(100);
      // A line for each of three contestants, in colors that the page has.
      const strokes = await chart
        .locator('path')
        .evaluateAll((paths) =>
          paths.map((one) => getComputedStyle(one).stroke).filter((one) => one !== 'none'),
        );
      expect(new Set(strokes).size).toBeGreaterThanOrEqual(3);
    }
    expect(await page.locator('details').count()).toBe(6);
    await page.locator('details summary').first().click();
    await expect.poll(() => page.locator('details table').first().isVisible()).toBe(true);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(
      0,
    );

    const file = path.join(REPORTS, `bench-${colorScheme}-${width}.png`);
    await page.screenshot({ path: file, fullPage: true });
    expect(statSync(file).size).toBeGreaterThan(30_000);
    await page.close();
  });
});
