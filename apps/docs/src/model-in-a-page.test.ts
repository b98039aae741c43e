import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { smallLanguageModel } from '@heed/playground/src/test/small-language-model.ts';
import { type Site, absence, isRequired, launch, openSite } from '@heed/testing';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documented } from './blocks.ts';
import { compile } from './compile.ts';

const FOLDER = path.resolve(import.meta.dirname, '../.blocks/page');
const MODEL = '/models/SmolLM2-135M-Instruct.Q4_1.gguf';

const skips = absence !== null && !isRequired();

describe.skipIf(skips)(`in headless Chromium${absence === null ? '' : `: ${absence}`}`, () => {
  let browser: Browser;
  let site: Site;
  let page: Page;

  beforeAll(async () => {
    const blocks = documented.filter(({ place }) =>
      place.startsWith('apps/docs/site/guide/a-model-in-a-page.md'),
    );
    const named = Object.fromEntries(blocks.map(({ file, code }) => [file, code]));
    const { 'index.html': html, 'page.ts': code, 'worker.ts': worker } = named;
    compile(FOLDER, { 'page.ts': code!, 'worker.ts': worker! });
    site = await openSite({
      dist: pathToFileURL(`${FOLDER}/dist/`),
      entries: ['page.js', 'worker.js'],
      files: { '/': html!, [MODEL]: smallLanguageModel() },
      isolated: true,
    });
    browser = await launch();
    page = await browser.newPage();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  test('the page of the guide goes on with a text and shows the weights; the model is fetched once', async () => {
    const fetched: string[] = [];
    page.on('request', (request) => fetched.push(new URL(request.url()).pathname));
    await page.goto(site.url);
    const button = page.getByRole('button', { name: 'Go on' });
    await page.getByText(/^WebAssembly.*SIMD, [2-9] threads/).waitFor();
    await page.getByRole('textbox', { name: 'Text' }).fill('the river bank');
    await button.click();
    await page.locator('#weights svg').waitFor();
    const text = (await page.locator('output').textContent())!;
    expect(text.startsWith('the river bank')).toBe(true);
    expect(await page.locator('#weights svg').textContent()).toContain('Layer 0, head 0');
    expect(fetched.filter((name) => name === MODEL)).toHaveLength(1);

    fetched.length = 0;
    await page.reload();
    await expect.poll(() => button.isEnabled()).toBe(true);
    expect(fetched).toContain('/worker.js');
    expect(fetched).not.toContain(MODEL);
    await page.getByRole('textbox', { name: 'Text' }).fill('x');
    await button.click();
    await expect.poll(() => page.locator('#state').textContent()).not.toContain('WebAssembly');
  });
});
