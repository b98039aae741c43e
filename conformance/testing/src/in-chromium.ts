import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe } from 'vitest';
import { absence, launch } from './chromium.ts';
import { isRequired } from './required.ts';
import { type SiteOptions, openSite } from './site.ts';

/** A page that tests share. */
export interface OpenPage {
  readonly page: Page;
  close(): Promise<void>;
}

/** Options of a page. */
export interface PageOptions extends SiteOptions {
  /** Name in `HEED_REQUIRE` that makes an absent browser a failure. */
  readonly backend: string;
  /** Name on `window` that the page sets when it is ready. */
  readonly ready: string;
  /** Flags of Chromium. */
  readonly flags?: readonly string[];
  /** The host of the page's address. Every name leads to the loopback; only `127.0.0.1` is a secure context. */
  readonly host?: string;
}

async function openPage({ ready, flags, host = '127.0.0.1', ...options }: PageOptions): Promise<OpenPage> {
  if (absence !== null) throw new Error(absence);
  const site = await openSite(options);
  const browser = await launch(flags);
  const page = await browser.newPage();
  await page.goto(site.url.replace('127.0.0.1', host));
  await page.waitForFunction((name) => name in window, ready);
  return {
    page,
    async close() {
      await browser.close();
      await site.close();
    },
  };
}

/** Defines tests that share a page; without a browser they are skipped, with the remedy. */
export function inChromium(
  name: string,
  options: PageOptions,
  define: (opened: () => OpenPage) => void,
): void {
  const skips = absence !== null && !isRequired(options.backend);
  describe.skipIf(skips)(`in headless Chromium, ${name}${absence === null ? '' : `: ${absence}`}`, () => {
    let page: OpenPage | undefined;
    beforeAll(async () => {
      page = await openPage(options);
    });
    afterAll(() => page?.close());
    define(() => page!);
  });
}
