import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inChromium, radio, row, says, shoot, slide, visit } from './test/visit.ts';

inChromium(() => {
  test('“bank” looks at “river”', async () => {
    const page = await visit();
    await says(page, '“bank” looks most at “river” 0.523');
    expect(await row(page)).toEqual([0.067, 0.034, 0.008, 0.042, 0.031, 0.523, 0.022, 0.245, 0.007, 0.021]);
    await shoot(page, 'look');
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
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowLeft', 'ArrowUp', 'Enter'])
      await page.keyboard.press(key);
    await says(page, '“was” looks');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toMatch(
      /^was → the/,
    );
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
    expect((await row(page)).map((weight) => weight > 0)).toEqual(
      Array.from({ length: 10 }, (_, j) => j >= 1 && j <= 3),
    );
    expect(await page.locator('.numbers .out').count()).toBe(7);
    await radio(page, 'Reach', 'Global').check();
    await page.getByRole('switch', { name: /Causal/ }).check();
    await says(page, '[CLS]');
    expect((await row(page)).slice(3)).toEqual(Array(7).fill(0));
    expect(await page.locator('tr[aria-selected=true] td').last().textContent()).toBe('·');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save SVG' }).click(),
    ]);
    const svg = readFileSync(await download.path(), 'utf8');
    expect(svg).toContain('Layer 0, head 4, causal · The bank');
    expect(svg).toContain(`>${new URL(page.url()).host}</text>`);
    await page.getByRole('switch', { name: /Causal/ }).uncheck();
    await slide(page, 'Temperature', -1);
    await says(page, /river” 0\.9\d\d|river” 1\.000/);
    await slide(page, 'Temperature', 1);
    await says(page, /looks most at .* 0\.1\d\d/);
  });

  test('step by step, the numbers lead from scores to the output', async () => {
    const page = await visit();
    await says(page, 'looks most at “river”');
    const cells = await page
      .locator('.numbers tbody tr')
      .filter({ hasText: 'river' })
      .locator('td')
      .allTextContents();
    const [dot, score, exponential, weight] = cells.slice(1, 5).map(Number) as [
      number,
      number,
      number,
      number,
    ];
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
    await shoot(page, 'passage');
  });
});
