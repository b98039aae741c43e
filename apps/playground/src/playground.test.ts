import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Host, absence, launch, serve } from './test/chromium.ts';
import { HOSTILE_NAME, THIRD_PARTY } from './test/third-party.ts';

const DIST = path.resolve(import.meta.dirname, '../dist');
const SHOTS = path.resolve(import.meta.dirname, '../.reports/screenshots');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const PHONE = { viewport: { width: 390, height: 844 } };

let browser: Browser;
let host: Host;

/** A page of a visitor who has not been here, which must not complain on its console. */
async function visit(hash = '', options: BrowserContextOptions = {}, at: Host = host): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.goto(at.url + hash);
  await page.locator('h1').waitFor();
  return page;
}

const claim = (page: Page): ReturnType<Page['locator']> => page.locator('.claim').first();

/** Waits until the sentence says so. */
async function says(page: Page, text: string | RegExp): Promise<void> {
  await claim(page).filter({ hasText: text }).waitFor();
}

/** The weights of the row that is looked at. */
async function row(page: Page): Promise<number[]> {
  await page.locator('.stage[aria-busy=false]').waitFor();
  const texts = await page.locator('tr[aria-selected=true] td').allTextContents();
  return texts.map(Number);
}

const radio = (page: Page, group: string, name: string): ReturnType<Page['locator']> =>
  page.getByRole('group', { name: group, exact: true }).getByRole('radio', { name, exact: true });

async function slide(page: Page, name: string, value: number): Promise<void> {
  await page.getByRole('slider', { name, exact: true }).fill(String(value));
}

describe.skipIf(absence !== null)(`in headless Chromium${absence === null ? '' : `: ${absence}`}`, () => {
  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    [browser, host] = await Promise.all([launch(), serve(DIST)]);
  });
  afterAll(async () => {
    await browser?.close();
    await host?.close();
  });

  describe('look', () => {
    test('“bank” looks at “river”', async () => {
      const page = await visit();
      await says(page, '“bank” looks most at “river” 0.523');
      expect(await row(page)).toEqual([0.067, 0.034, 0.008, 0.042, 0.031, 0.523, 0.022, 0.245, 0.007, 0.021]);
      await page.screenshot({ path: path.join(SHOTS, 'look.png'), fullPage: true });
    });

    test('every backend of this browser sees the same, with and without threads', async () => {
      const page = await visit();
      await says(page, 'river');
      await page.evaluate(() => navigator.serviceWorker.ready);
      await page.getByRole('button', { name: 'Reload with threads' }).click();
      await page.waitForFunction(() => crossOriginIsolated);
      await says(page, 'river');
      const backends = page.locator('.backends label');
      await page.locator('.backends:not(:has([data-status=looking]))').waitFor();
      const states = await backends.evaluateAll((labels) =>
        labels.map((label) => [label.querySelector('input')!.value, label.dataset['status']]),
      );
      const available = states.filter(([, status]) => status === 'available').map(([id]) => id!);
      expect(available).toEqual(
        expect.arrayContaining(['ts', 'wasm', 'wasm-threads', 'gpujs-webgl2', 'gpujs-webasm']),
      );
      for (const id of available) {
        const label = backends.filter({ has: page.locator(`input[value="${id}"]`) });
        const device = await label.locator('small').first().textContent();
        await label.click();
        await page.locator(`#computed[data-device="${device}"]`).waitFor();
        await says(page, '“bank” looks most at “river” 0.523');
        const difference = await page.locator('#check').getAttribute('data-difference');
        expect(Number(difference), id).toBeLessThan(1e-5);
      }
    });

    test('a backend that cannot run here says why, and what to do', async () => {
      const page = await visit();
      const threads = page.locator('.backends label').filter({ hasText: 'threads' }).first();
      await page.locator('.backends:not(:has([data-status=looking]))').waitFor();
      expect(await threads.textContent()).toMatch(/shared memory.*Cross-Origin-Opener-Policy/s);
      expect(await threads.locator('input').isDisabled()).toBe(true);
    });

    test('a token is chosen by click, and in the table by keyboard', async () => {
      const page = await visit();
      await page.getByRole('button', { name: 'river' }).click();
      await says(page, '“river” looks most at “bank” 0.233');
      await page.locator('td[tabindex="0"]').focus();
      for (const key of ['ArrowDown', 'ArrowDown', 'ArrowLeft', 'ArrowUp', 'Enter']) await page.keyboard.press(key);
      await says(page, '“was” looks');
      expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(/^was → the/);
    });

    test('another sentence, layer, head', async () => {
      const page = await visit();
      await radio(page, 'Sentence', 'Loan').check();
      await says(page, '“bank” looks most at “loan” 0.294');
      const before = await row(page);
      await radio(page, 'Head', 'Head 7').check();
      await page.getByRole('heading', { name: 'Layer 0, head 7' }).waitFor();
      expect(await row(page)).not.toEqual(before);
      await radio(page, 'Layer', '5').check();
      await page.getByRole('heading', { name: 'Layer 5, head 7' }).waitFor();
      expect((await row(page)).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 1);
    });

    test('hard, sampled', async () => {
      const page = await visit();
      await radio(page, 'Selection', 'Hard').check();
      await says(page, 'river” 1.000');
      expect(await row(page)).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
      expect(await page.getByRole('heading', { name: 'The choice' }).count()).toBe(1);
      await radio(page, 'Selection', 'Sampled').check();
      const chosen = new Set<string>();
      for (let draw = 0; draw < 12; draw++) {
        await page.getByRole('button', { name: `Draw again (seed ${1 + draw})` }).click();
        chosen.add((await row(page)).join());
      }
      expect(chosen.size).toBeGreaterThan(1);
    });

    test('local, causal, temperature', async () => {
      const page = await visit();
      await radio(page, 'Reach', 'Local').check();
      await slide(page, 'Window', 1);
      await says(page, 'of');
      expect((await row(page)).map((weight) => weight > 0)).toEqual(Array.from({ length: 10 }, (_, j) => j >= 1 && j <= 3));
      expect(await page.locator('.numbers .out').count()).toBe(7);
      await radio(page, 'Reach', 'Global').check();
      await page.getByRole('switch', { name: /Causal/ }).check();
      await says(page, '[CLS]');
      expect((await row(page)).slice(3)).toEqual(Array(7).fill(0));
      await page.getByRole('switch', { name: /Causal/ }).uncheck();
      await slide(page, 'Temperature', -1);
      await says(page, /river” 0\.9\d\d|river” 1\.000/);
      await slide(page, 'Temperature', 1);
      await says(page, /looks most at .* 0\.1\d\d/);
    });

    test('step by step, the numbers lead from scores to the output', async () => {
      const page = await visit();
      const cells = await page.locator('.numbers tbody tr').filter({ hasText: 'river' }).locator('td').allTextContents();
      const [dot, score, exponential, weight] = cells.slice(1, 5).map(Number) as [number, number, number, number];
      expect(dot / Math.sqrt(32)).toBeCloseTo(score, 2);
      expect(exponential).toBe(1);
      const sum = Number(/their sum, (\d+\.\d+)/.exec((await page.locator('.steps ol').textContent())!)![1]);
      expect(exponential / sum).toBeCloseTo(weight, 3);
      expect(Number(await page.locator('#check').getAttribute('data-difference'))).toBeLessThan(1e-6);
    });

    test('a passage of 116 tokens is a map', async () => {
      const page = await visit('#look?capture=passage&token=20');
      await says(page, '“walked” looks most at “along”');
      const map = page.getByRole('slider', { name: /query's row/ });
      await map.focus();
      await page.keyboard.press('ArrowDown');
      await says(page, '“along” looks');
      await map.hover({ position: { x: 5, y: 5 } });
      await page.getByText(/^\[CLS\] → \[CLS\]: 0\.\d{3}$/).waitFor();
      await page.screenshot({ path: path.join(SHOTS, 'passage.png'), fullPage: true });
    });
  });

  test('compare: the same word in two sentences, one scale', async () => {
    const page = await visit('#compare');
    await page.getByText('“bank” looks most at “river” 0.523').waitFor();
    await page.getByText('“bank” looks most at “loan” 0.294').waitFor();
    await page.screenshot({ path: path.join(SHOTS, 'compare.png'), fullPage: true });
    await slide(page, 'Head', 2);
    await page.getByText('“bank” looks most at “the” 1.000').first().waitFor();
  });

  describe('race', () => {
    test('each length of each contestant is measured, with how it grew', async () => {
      const page = await visit('#race?longest=1024');
      await page.locator('.contestants label').filter({ hasText: 'gpu.js, WebAssembly' }).waitFor();
      for (const box of await page.locator('.contestants label').all()) {
        if (!/Naive|TypeScript/.test((await box.textContent())!)) await box.getByRole('checkbox').uncheck();
      }
      await page.getByRole('button', { name: 'Start the race' }).click();
      await page.getByText('6 measured.').waitFor({ timeout: 60_000 });
      const growth = await page.locator('.race tr:last-child .growth.memory').allTextContents();
      const [naive, tiled] = growth.map((text) => Number(text.replace('× ', ''))) as [number, number];
      expect(naive).toBeGreaterThan(3);
      expect(tiled).toBeLessThan(2.1);
      expect(await page.locator('.chart circle').count()).toBe(12);
      await page.screenshot({ path: path.join(SHOTS, 'race.png'), fullPage: true });
    });

    test('local attention, and it can be stopped', async () => {
      const page = await visit('#race?longest=8192&local=yes');
      await page.getByRole('button', { name: 'Start the race' }).click();
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.getByRole('button', { name: 'Start the race' }).waitFor();
    });
  });

  test('a permalink restores the state', async () => {
    const first = await visit();
    await radio(first, 'Sentence', 'Loan').check();
    await radio(first, 'Layer', '3').check();
    await radio(first, 'Head', 'Head 9').check();
    await first.getByRole('button', { name: 'approved' }).click();
    await first.getByRole('switch', { name: /Causal/ }).check();
    await says(first, '“approved” looks');
    const [text, hash] = [await claim(first).textContent(), await first.evaluate(() => location.hash)];
    const second = await visit(hash);
    await says(second, text!);
    expect(await radio(second, 'Layer', '3').isChecked()).toBe(true);
    expect(await second.getByRole('switch', { name: /Causal/ }).isChecked()).toBe(true);
  });

  test('pages are reached by links, and the way back works', async () => {
    const page = await visit('#look?head=3');
    await page.getByRole('link', { name: 'Compare' }).click();
    await page.getByRole('heading', { level: 1, name: /twice/ }).waitFor();
    expect(await page.title()).toMatch(/^Compare/);
    await page.goBack();
    await page.getByRole('heading', { name: 'Layer 0, head 3' }).waitFor();
  });

  test('SVG and PNG are saved, the link is copied', async () => {
    const page = await visit('', { permissions: ['clipboard-read', 'clipboard-write'] });
    await says(page, 'river');
    const save = async (name: string): Promise<Buffer> => {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name }).click(),
      ]);
      expect(download.suggestedFilename()).toBe(`bank-river-layer-0-head-4.${name.slice(-3).toLowerCase()}`);
      return readFileSync(await download.path());
    };
    const svg = (await save('Save SVG')).toString();
    expect(svg).toMatch(/^<svg[\s\S]*bank → river: 0\.523/);
    const png = await save('Save PNG');
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.readUInt32BE(16)).toBeGreaterThan(1000);
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByText('The link is copied.').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(host.url);
  });

  test("a third party's backend by its address; its words stay text", async () => {
    const elsewhere = await serve(DIST, { 'uniform.js': THIRD_PARTY });
    onTestFinished(() => elsewhere.close());
    const page = await visit();
    await page.getByText('Add a backend by its address').click();
    await page.getByRole('textbox').fill(`${elsewhere.url}uniform.js`);
    await page.getByRole('button', { name: 'Load and run' }).click();
    const added = page.locator('.backends label').filter({ hasText: HOSTILE_NAME });
    await added.click();
    await says(page, '0.100');
    expect(await page.locator('#computed').textContent()).toContain('<script>');
    expect(await page.evaluate(() => 'hacked' in globalThis)).toBe(false);
    await page.getByRole('textbox').fill(`${elsewhere.url}nothing.js`);
    await page.getByRole('button', { name: 'Load and run' }).click();
    await page.getByText(/does not load.*CORS/).waitFor();
  });

  test('hostile tokens stay text', async () => {
    const file = createRequire(import.meta.url).resolve('@heed/conformance/package.json');
    const capture = JSON.parse(readFileSync(path.join(path.dirname(file), 'cases/minilm/bank-river.json'), 'utf8')) as {
      tokens: string[];
    };
    const tokens = [
      '<script>globalThis.hacked=1</script>',
      '"><svg onload=globalThis.hacked=1>',
      'bank',
      '\u202Egnp',
      'שלום',
      'x'.repeat(300),
      '\u0000\u001B[31m',
      '<img src=x onerror=globalThis.hacked=1>',
      '&amp;',
      '',
    ];
    const hostile = await serve(DIST, { 'bank-river': JSON.stringify({ ...capture, tokens }) });
    onTestFinished(() => hostile.close());
    const page = await visit('', {}, hostile);
    await says(page, 'bank');
    await page.getByRole('button', { name: '<script>' }).click();
    await says(page, '<script>globalThis.hacked=1</script>');
    expect(await page.locator('main script, main [onload], main [onerror]').count()).toBe(0);
    expect(await page.evaluate(() => 'hacked' in globalThis)).toBe(false);
    const text = await page.locator('main').textContent();
    expect(text).not.toMatch(/[\u202E\u0000\u001B]/);
    await page.screenshot({ path: path.join(SHOTS, 'hostile.png'), fullPage: true });
  });

  test('without a network it works from the second visit on', async () => {
    const gone = await serve(DIST);
    const page = await visit('', {}, gone);
    await page.getByText('works without a network').waitFor();
    await gone.close();
    await page.reload();
    await says(page, '“bank” looks most at “river” 0.523');
    await radio(page, 'Sentence', 'Passage').check();
    await says(page, '“bank” looks');
  });

  test('how long the main thread was busy is told', async () => {
    const page = await visit();
    expect(await page.locator('#long-tasks').textContent()).toMatch(/^Main thread: /);
    // Something that is busy: it must be seen.
    await page.evaluate(() => {
      const end = performance.now() + 120;
      while (performance.now() < end);
    });
    await page.waitForFunction(() => Number(document.getElementById('long-tasks')!.dataset['longest']) >= 120);
  });

  describe('for everybody', () => {
    test('light and dark can be chosen', async () => {
      const page = await visit();
      const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await radio(page, 'Colours', 'Dark').check();
      expect(await ground()).toBe('rgb(19, 17, 24)');
      await radio(page, 'Colours', 'Light').check();
      expect(await ground()).toBe('rgb(251, 250, 247)');
    });

    test('the keyboard reaches everything: a link to the content comes first', async () => {
      const page = await visit();
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    });

    const looks = ['#look', '#look?capture=passage', '#look?selection=sample&window=2', '#compare', '#race'];
    test.each(looks)('%s has no violation that axe knows, light, dark and on a phone; nothing sticks out', async (hash) => {
      for (const options of [{}, { colorScheme: 'dark' as const }, PHONE]) {
        const page = await visit(hash, options);
        if (!hash.startsWith('#race')) await says(page, 'looks');
        await page.locator('details').evaluateAll((all) => all.forEach((one) => one.setAttribute('open', '')));
        await page.addScriptTag({ path: AXE });
        const violations = await page.evaluate(async () => {
          const { axe } = globalThis as unknown as {
            axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> };
          };
          return (await axe.run()).violations.flatMap(({ id, nodes }) =>
            nodes.slice(0, 3).map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
          );
        });
        expect(violations).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
        const name = `${hash.slice(1).replaceAll(/\W+/g, '-')}-${Object.values(options).map(String).join('').slice(0, 4) || 'light'}`;
        await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
      }
    });
  });
});
