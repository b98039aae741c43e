import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { violations } from './test/axe.ts';
import { type Host, serve } from './test/chromium.ts';
import { smallLanguageModel } from './test/small-language-model.ts';
import { DIST, inChromium, says, shoot, slide, sticksOut, visit } from './test/visit.ts';

const TEXT = '#write?text=the+river+bank';

/** The page beside a model. */
async function hostOfModel(): Promise<Host> {
  const host = await serve(DIST, { 'SmolLM2-135M-Instruct.Q4_1.gguf': smallLanguageModel() });
  onTestFinished(() => host.close());
  return host;
}

async function visitModel(hash = TEXT, options = {}): Promise<Page> {
  const page = await visit(hash, options, await hostOfModel());
  await page.getByRole('button', { name: 'Fetch the model' }).click();
  await page.locator('.odds').waitFor();
  return page;
}

const tokens = async (page: Page): Promise<string> =>
  (await page.locator('.sentence bdi').allTextContents()).join('');

inChromium(() => {
  test('write: the odds of the next token, which add up to at most 1; a click writes one', async () => {
    const page = await visitModel();
    await page.getByText('14 tokens; 14 computed by').waitFor();
    expect(await tokens(page)).toBe('the␣river␣bank');
    const odds = page.locator('.odds li');
    const percents = (await odds.locator('.percent').allTextContents()).map((text) => parseFloat(text));
    expect(percents).toHaveLength(10);
    expect(percents).toEqual(percents.toSorted((a, b) => b - a));
    expect(percents.reduce((sum, percent) => sum + percent, 0)).toBeLessThanOrEqual(100.5);
    expect(await odds.getByRole('button', { name: /^the end/ }).isDisabled()).toBe(true);
    const likely = odds.getByRole('button', { disabled: false }).first();
    const written = (await likely.locator('bdi').textContent())!;
    await likely.click();
    await expect.poll(() => tokens(page)).toBe(`the␣river␣bank${written}`);
    // The cache keeps the rest.
    await page.getByText(/15 tokens; 1 computed by/).waitFor();
  });

  test('write: every row of every head adds up to 1, and looks at nothing that comes later', async () => {
    const page = await visitModel();
    for (const [layer, head] of [
      [0, 0],
      [1, 3],
    ] as const) {
      await slide(page, 'Layer', layer);
      await slide(page, 'Head', head);
      await page.getByRole('heading', { name: `Layer ${layer}, head ${head}`, exact: true }).waitFor();
      const cells = (await page.locator('.grid td').allTextContents()).map(Number);
      const length = Math.sqrt(cells.length);
      for (let i = 0; i < length; i++) {
        const row = cells.slice(i * length, (i + 1) * length).map((cell) => (Number.isNaN(cell) ? 0 : cell));
        expect(row.reduce((sum, cell) => sum + cell, 0)).toBeCloseTo(1, 1);
        expect(row.slice(i + 1).every((cell) => cell === 0)).toBe(true);
      }
    }
  });

  test('write: a click on a small picture chooses its layer and head; the link restores text and head', async () => {
    const page = await visitModel();
    const glance = page.locator('.glance');
    const { width, height } = (await glance.boundingBox())!;
    await glance.click({ position: { x: 0.75 * width, y: 0.9 * height } });
    await page.getByRole('heading', { name: 'Layer 1, head 3', exact: true }).waitFor();
    await page.getByRole('textbox', { name: 'Text' }).fill('the bank');
    await expect.poll(() => tokens(page)).toBe('the␣bank');
    await says(page, '“k” looks most at');
    const again = await visitModel(await page.evaluate(() => location.hash));
    await again.getByRole('heading', { name: 'Layer 1, head 3', exact: true }).waitFor();
    await expect.poll(() => tokens(again)).toBe('the␣bank');
    await page.locator('.token').nth(1).click();
    await says(page, '“h” looks most at');
  });

  test('write: the picture has the text in its title, and the address below', async () => {
    const page = await visitModel();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save SVG' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('layer-1-head-3.svg');
    const svg = readFileSync(await download.path(), 'utf8');
    expect(svg).toContain('Layer 1, head 3 · the river bank');
    expect(svg).toContain(`>${new URL(page.url()).host}</text>`);
  });

  test('write: goes on by itself, and can be stopped', async () => {
    const page = await visitModel();
    await page.getByRole('button', { name: 'Write 8 tokens' }).click();
    await page.getByText(/1[5-9] tokens|2\d tokens/).waitFor();
    await page.getByRole('button', { name: /Write 8 tokens|Stop/ }).click();
    await page.getByRole('button', { name: 'Write 8 tokens' }).waitFor();
  });

  test('write: what was fetched is there without the server; a model that is missing is named', async () => {
    const host = await serve(DIST, { 'SmolLM2-135M-Instruct.Q4_1.gguf': smallLanguageModel() });
    const page = await visit(TEXT, {}, host);
    await page.getByRole('button', { name: 'Fetch the model' }).click();
    await page.locator('.odds').waitFor();
    await page.getByText('Kept in this browser').waitFor();
    await host.close();
    await page.reload();
    await page.getByRole('button', { name: 'Fetch the model' }).click();
    await page.locator('.odds').waitFor();

    const without = await visit(TEXT);
    await without.getByRole('button', { name: 'Fetch the model' }).click();
    await without
      .getByText(/cannot be fetched: the server answers 404; put .* into the folder models/)
      .waitFor();
  });

  test("write: the reader's own file; other files and long texts are refused with a remedy", async () => {
    const page = await visit(TEXT);
    const drop = page.locator('.drop input');
    const file = (name: string, buffer: Buffer): { name: string; mimeType: string; buffer: Buffer } => ({
      name,
      mimeType: 'application/octet-stream',
      buffer,
    });
    await drop.setInputFiles(file('a.gguf', Buffer.from('no such file')));
    await page.locator('[role=status]').filter({ hasText: /GGUF/ }).first().waitFor();
    await drop.setInputFiles(file('config.json', Buffer.from('{}')));
    await page.getByText('.safetensors is missing').waitFor();
    await drop.setInputFiles(file('small.gguf', Buffer.from(smallLanguageModel())));
    await page.locator('.odds').waitFor();
    await page.getByRole('textbox', { name: 'Text' }).fill('the bank '.repeat(20));
    await page.getByRole('alert').filter({ hasText: 'expected 1 to 24; shorten the text' }).waitFor();
    await page.getByRole('textbox', { name: 'Text' }).fill('the bank');
    await page.getByText(/8 tokens; \d+ computed by/).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  test.each([
    ['light', {}],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { viewport: { width: 390, height: 844 } }],
  ] as const)('write, %s: no violation that axe knows; nothing sticks out', async (way, options) => {
    const page = await visit(TEXT, options, await hostOfModel());
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Fetch the model' }).click();
    await page.locator('.odds').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await sticksOut(page)).toBeLessThanOrEqual(0);
    await shoot(page, `write-${way}`);
  });

  test('nothing of a model is loaded before it is asked for: under 1 MB', async () => {
    const page = await visit('#write');
    const bytes = await page.evaluate(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return performance
        .getEntriesByType('resource')
        .filter(
          ({ initiatorType }: PerformanceEntry & { initiatorType?: string }) => initiatorType !== 'other',
        )
        .reduce((sum, entry) => sum + (entry as PerformanceResourceTiming).encodedBodySize, 0);
    });
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThan(1_000_000);
  });
});
