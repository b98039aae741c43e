import { existsSync } from 'node:fs';
import { type Page, chromium } from 'playwright-core';
import { type Headers, openSite } from './site.ts';

/** Path of Chromium: that of Debian's package, or from the environment. */
export const CHROMIUM: string = process.env['HEED_CHROMIUM'] ?? '/usr/bin/chromium';

/** Reason that tests in a browser cannot run, with the remedy; null if they can. */
export const absence: string | null = existsSync(CHROMIUM)
  ? null
  : `there is no Chromium at ${CHROMIUM} (apt-get install chromium, or set HEED_CHROMIUM)`;

/** Returns whether an absent engine is a failure and not a skip: as in the suite, `HEED_REQUIRE` decides. */
export function isRequired(): boolean {
  const names = (process.env['HEED_REQUIRE'] ?? '').split(',');
  return names.includes('all') || names.includes('wasm');
}

export interface OpenPage {
  readonly page: Page;
  close(): Promise<void>;
}

/** The test's page in headless Chromium. */
export async function openPage(headers: Headers): Promise<OpenPage> {
  if (absence !== null) throw new Error(absence);
  const site = await openSite(headers);
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  await page.goto(site.url);
  await page.waitForFunction(() => window.verifyWasm !== undefined);
  return {
    page,
    async close() {
      await browser.close();
      await site.close();
    },
  };
}
