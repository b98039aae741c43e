import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { violations } from '@heed/playground/src/test/axe.ts';
import { type Host, absence, launch, serve } from '@heed/playground/src/test/chromium.ts';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from './blocks.ts';
import { deadLinksOf, pagesOf } from './links.ts';

const FOLDER = path.resolve(import.meta.dirname, '../dist');
const SHOTS = path.resolve(import.meta.dirname, '../.reports/screenshots');

beforeAll(() => {
  execFileSync('npm', ['run', '--silent', 'site'], { cwd: path.dirname(FOLDER), stdio: 'pipe', shell: true });
}, 600_000);

test('no link and no picture leads to nothing', () => {
  const pages = pagesOf(FOLDER);
  expect(pages.length).toBeGreaterThan(40);
  expect(pages.flatMap((page) => deadLinksOf(FOLDER, page).map((link) => `${page}: ${link}`))).toEqual([]);
});

test('every error code has a part of its page', () => {
  const source = readFileSync(path.join(ROOT, 'packages/core/src/error.ts'), 'utf8');
  const union = /export type HeedErrorCode =([\s\S]*?);\n/.exec(source)![1]!;
  const codes = [...union.matchAll(/\| '(\w+)'/g)].map(([, code]) => code!);
  const page = readFileSync(path.join(FOLDER, 'errors.html'), 'utf8');
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !page.includes(`<h2 id="${code.toLowerCase()}"`))).toEqual([]);
});

const WAYS: Readonly<Record<string, BrowserContextOptions>> = {
  light: {},
  dark: { colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 } },
};

describe.skipIf(absence !== null)(`in headless Chromium${absence === null ? '' : `: ${absence}`}`, () => {
  let browser: Browser;
  let host: Host;
  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    [browser, host] = await Promise.all([launch(), serve(FOLDER)]);
  });
  afterAll(async () => {
    await browser?.close();
    await host?.close();
  });

  const open = async (address: string, options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    page.on('pageerror', (error) => {
      throw error;
    });
    await page.goto(new URL(address, host.url).href, { waitUntil: 'networkidle' });
    return page;
  };

  test.each([
    '/index.html',
    '/start.html',
    '/guide/choosing-a-backend.html',
    '/guide/decoding.html',
    '/performance.html',
    '/errors.html',
    '/messages.html',
    '/404.html',
    '/specification.html',
    '/api/backend-wasm.html',
  ])(
    '%s has no violation that axe knows, light, dark and on a phone; nothing sticks out',
    async (address) => {
      for (const [way, options] of Object.entries(WAYS)) {
        const page = await open(address, options);
        expect(await violations(page), way).toEqual([]);
        expect(
          await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
        ).toBeLessThanOrEqual(0);
        await page.screenshot({
          path: path.join(SHOTS, `${address.slice(1).replaceAll(/\W+/g, '-')}-${way}.png`),
        });
        await page.context().close();
      }
    },
  );

  test('the search finds a page by its words, without a network', async () => {
    const page = await open('/index.html');
    await page.locator('button.DocSearch-Button').first().click();
    await page.locator('#localsearch-input').fill('logSumExp');
    await page.locator('.results a').first().waitFor();
    expect(await page.locator('.results a').count()).toBeGreaterThan(3);
    await page.context().close();
  });

  test('the playground is there', async () => {
    const page = await open('/playground/index.html');
    await page.locator('h1').waitFor();
    await page.context().close();
  });
});
