import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { type Host, absence, launch, serve } from './chromium.ts';

/** The built page. */
export const DIST: string = path.resolve(import.meta.dirname, '../../dist');
const SHOTS = path.resolve(import.meta.dirname, '../../.reports/screenshots');

let browser: Browser;
let host: Host;

/** Defines tests that require a browser; skips them, with the reason, where there is none. */
export function inChromium(define: () => void): void {
  describe.skipIf(absence !== null)(`in headless Chromium${absence === null ? '' : `: ${absence}`}`, () => {
    beforeAll(async () => {
      mkdirSync(SHOTS, { recursive: true });
      [browser, host] = await Promise.all([launch(), serve(DIST)]);
    });
    afterAll(async () => {
      await browser?.close();
      await host?.close();
    });
    define();
  });
}

/**
 * Opens the page as a new visitor. An uncaught error fails the test.
 *
 * @param before runs in the page before its own scripts.
 */
export async function visit(
  hash = '',
  options: BrowserContextOptions = {},
  at: Host = host,
  before: () => void = () => undefined,
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.addInitScript(before);
  await page.goto(at.url + hash);
  await page.locator('h1').waitFor();
  return page;
}

/** Takes a picture of the whole page, for people to look at. */
export async function shoot(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
}

/** Claim of the page about the chosen token. */
export function claim(page: Page): Locator {
  return page.locator('.claim').first();
}

/** Waits until the page contains the text. */
export async function says(page: Page, text: string | RegExp): Promise<void> {
  await claim(page).filter({ hasText: text }).waitFor();
}

/** Returns the weights of the selected row. */
export async function row(page: Page): Promise<number[]> {
  await page.locator('.stage[aria-busy=false]').waitFor();
  const texts = await page.locator('tr[aria-selected=true] td').allTextContents();
  // A dot is an exact 0.
  return texts.map((text) => (text === '·' ? 0 : Number(text)));
}

export function radio(page: Page, group: string, name: string): Locator {
  return page.getByRole('group', { name: group, exact: true }).getByRole('radio', { name, exact: true });
}

export async function slide(page: Page, name: string, value: number): Promise<void> {
  await page.getByRole('slider', { name, exact: true }).fill(String(value));
}

/** Returns the number of pixels by which the page is wider than the window. */
export function sticksOut(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}
