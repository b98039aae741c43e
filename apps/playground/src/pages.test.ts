import { cpSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page, Worker } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { writeSafetensors } from '@heed/layers';
import { serve } from './test/chromium.ts';
import { HOSTILE_NAME, THIRD_PARTY } from './test/third-party.ts';
import { smallTokenizer, smallWeights } from './test/small-model.ts';
import { unreadGGUF } from './test/unread-gguf.ts';
import { DIST, claim, inChromium, radio, says, shoot, slide, sticksOut, visit } from './test/visit.ts';

/** Returns a folder with the page as after an update: the worker has another name, and the one before is gone. */
function nextVersion(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'heed-next-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(DIST, folder, { recursive: true });
  const assets = path.join(folder, 'assets');
  const name = readdirSync(assets).find((one) => /^worker-.*\.js$/.test(one))!;
  renameSync(path.join(assets, name), path.join(assets, name.replace('.js', '.next.js')));
  const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((one) =>
    /\.(js|html)$/.test(one),
  );
  for (const file of texts.map((one) => path.join(folder, one))) {
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(name, name.replace('.js', '.next.js')));
  }
  return folder;
}

inChromium(() => {
  test('compare: the same word in two sentences, one scale', async () => {
    const page = await visit('#compare');
    await page.getByText('“bank” looks most at “river” 0.523').waitFor();
    await page.getByText('“bank” looks most at “loan” 0.294').waitFor();
    await shoot(page, 'compare');
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
      await shoot(page, 'race');
    });

    test('local attention, and it can be stopped', async () => {
      const page = await visit('#race?longest=8192&local=yes');
      await page.getByRole('button', { name: 'Start the race' }).click();
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.getByRole('button', { name: 'Start the race' }).waitFor();
    });
  });

  test('a browser that keeps nothing, and does not let the address change so often, shows the page', async () => {
    const page = await visit('', {}, undefined, () => {
      const refuse = (): never => {
        throw new DOMException('denied', 'SecurityError');
      };
      Object.defineProperty(window, 'localStorage', { get: refuse });
      Object.defineProperty(caches, 'open', { value: async () => refuse() });
      Object.defineProperty(navigator.serviceWorker, 'register', { value: async () => refuse() });
      const replace = history.replaceState.bind(history);
      let calls = 0;
      history.replaceState = (...given) => (calls++ < 2 ? refuse() : replace(...given));
    });
    await radio(page, 'Sentence', 'Loan').check();
    await says(page, '“bank” looks');
    await expect.poll(() => page.evaluate(() => location.hash), { timeout: 20_000 }).toContain('bank-money');
  });

  test('a sentence that could not be fetched is fetched again with the next question', async () => {
    const page = await visit('', { serviceWorkers: 'block' });
    await says(page, '“bank” looks');
    await page.route(/bank-money/, (route) => route.abort());
    await radio(page, 'Sentence', 'Loan').check();
    await page.getByRole('alert').waitFor();
    await page.unroute(/bank-money/);
    await page.getByRole('switch', { name: /Causal/ }).check();
    await page.getByRole('button', { name: 'loan' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  describe('a worker that is lost', () => {
    const lost = (page: Page, message: RegExp) => page.getByRole('alert').filter({ hasText: message });
    const restart = (page: Page) => page.getByRole('button', { name: 'Start it again' });
    /** Ends a worker as a browser does that has no memory left for it: without an event. */
    const close = (worker: Worker): Promise<void> => worker.evaluate(() => globalThis.close());

    test('is told, and another one answers', async () => {
      const page = await visit('', { serviceWorkers: 'block' });
      await says(page, '“bank” looks most at “river” 0.523');
      await close(page.workers()[0]!);
      await lost(page, /the worker that computes has ended.*start it again/).waitFor();
      await radio(page, 'Sentence', 'Loan').check();
      await page.locator('.stage[aria-busy=false]').waitFor();
      expect(await page.getByRole('alert').count()).toBe(1);
      await restart(page).click();
      await says(page, '“bank” looks most at “loan” 0.294');
      expect(await page.getByRole('alert').count()).toBe(0);
      await page.locator('.backends [data-status=available]').first().waitFor();
    });

    test('because its script does not load', async () => {
      const page = await visit('', { serviceWorkers: 'block' }, undefined, () => {
        const { Worker: Original } = window;
        let count = 0;
        window.Worker = class extends Original {
          constructor(url: string | URL, options?: WorkerOptions) {
            super(count++ === 0 ? `${String(url)}.missing.js` : url, options);
          }
        };
      });
      await lost(page, /the worker that computes could not start/).waitFor();
      await page.locator('.stage[aria-busy=false]').waitFor();
      await restart(page).click();
      await says(page, '“bank” looks most at “river” 0.523');
      expect(await page.getByRole('alert').count()).toBe(0);
    });

    test('before its script runs, which only its silence tells', async () => {
      const page = await visit('', { serviceWorkers: 'block' }, undefined, () => {
        const { Worker: Original, setTimeout: wait } = window;
        // A minute is a second.
        window.setTimeout = ((work: () => void, ms = 0) =>
          wait(work, ms >= 60_000 ? ms / 60 : ms)) as typeof setTimeout;
        let count = 0;
        window.Worker = class extends Original {
          constructor(url: string | URL, options?: WorkerOptions) {
            super(count++ === 0 ? 'data:text/javascript,close()' : url, options);
          }
        };
      });
      await lost(page, /the worker that computes did not start within 60 seconds.*start it again/).waitFor();
      await restart(page).click();
      await says(page, '“bank” looks most at “river” 0.523');
    });

    test('in a race ends it, and the next one runs', async () => {
      const page = await visit('#race?longest=8192', { serviceWorkers: 'block' });
      await page.locator('.contestants label').filter({ hasText: 'TypeScript' }).waitFor();
      // The page waits for the lock of each worker whose end it would notice.
      const watched = (): Promise<number> =>
        page.evaluate(async () => (await navigator.locks.query()).pending!.length);
      await expect.poll(watched, { timeout: 60_000 }).toBe(1);
      const started = page.waitForEvent('worker');
      await page.getByRole('button', { name: 'Start the race' }).click();
      const racing = await started;
      await expect.poll(watched, { timeout: 60_000 }).toBe(2);
      await close(racing);
      await lost(page, /The race:.*the worker that computes has ended/).waitFor();
      const again = page.getByRole('button', { name: 'Start the race' });
      await again.click();
      await page.getByRole('button', { name: 'Stop' }).click();
      await again.waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
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
    const second = await visit(await first.evaluate(() => location.hash));
    await says(second, '“approved” looks');
    // Either may still show the state before the last switch.
    await expect
      .poll(async () => (await claim(second).textContent()) === (await claim(first).textContent()), {
        timeout: 20_000,
      })
      .toBe(true);
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
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(new URL(page.url()).origin);
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

  test('a model of one’s own: its files, a text, every layer', async () => {
    const page = await visit('#own');
    const file = (name: string, bytes: Uint8Array | object) => ({
      name,
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(bytes instanceof Uint8Array ? bytes : JSON.stringify(bytes)),
    });
    const files = [file('model.safetensors', smallWeights()), file('tokenizer.json', smallTokenizer)];
    await page.locator('input[type=file]').setInputFiles(files);
    await page.getByLabel('Text').fill('the banks of the river');
    await page.getByRole('button', { name: 'Run the model' }).click();
    await page.getByText('the files do not say how many heads').waitFor();
    await page.getByLabel('Heads').fill('2');
    await page.getByRole('button', { name: 'Run the model' }).click();
    await page.getByText('8 tokens through 2 layers of 2 heads').waitFor();
    await says(page, '“bank” looks');
    const before = await claim(page).textContent();
    await page.getByLabel('Text').fill('the bank . the bank . the river');
    await page.getByRole('button', { name: 'Run the model' }).click();
    await page.getByText('10 tokens through').waitFor();
    await radio(page, 'Layer', '1').check();
    await page.getByRole('heading', { name: 'Layer 1, head 1' }).waitFor();
    expect(await claim(page).textContent()).not.toBe(before);
    await shoot(page, 'own');
  });

  test('the attention heads of any model are listed: a lone safetensors, a GGUF of types that nothing here reads', async () => {
    const page = await visit('#own');
    const drop = (name: string, bytes: Uint8Array) =>
      page
        .locator('input[type=file]')
        .setInputFiles([{ name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) }]);
    const cells = () => page.locator('.attention-list tbody tr').allInnerTexts();
    await drop('encoder.safetensors', smallWeights());
    await page.getByText('2 layers of attention.').waitFor();
    await page.getByText('Add config.json').waitFor();
    expect(await cells()).toEqual(['bert.encoder.layer.*.attention.self\t2\t?\t?\t?']);
    await drop('other.gguf', unreadGGUF());
    await page.getByText('2 layers of attention, 8 heads in all.').waitFor();
    expect(await cells()).toEqual(['blk.*.attn\t2\t4\t2\t8']);
    await shoot(page, 'own-list');
    await page.getByRole('button', { name: 'Run the model' }).click();
    await page.getByText('open it on the page Write').waitFor();
    await drop(
      'none.safetensors',
      writeSafetensors({ x: { dtype: 'float32', shape: [1], data: new Float32Array(1) } }),
    );
    await page.getByText('No attention found').waitFor();
    await drop('broken.gguf', new Uint8Array(30));
    await page.locator('[role=status]').filter({ hasText: /GGUF/ }).waitFor();
  });

  test('hostile tokens stay text', async () => {
    const file = createRequire(import.meta.url).resolve('@heed/conformance/package.json');
    const capture = JSON.parse(
      readFileSync(path.join(path.dirname(file), 'cases/minilm/bank-river.json'), 'utf8'),
    ) as {
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
    expect(text).not.toMatch(/\p{Cc}|\u202E/u);
    expect(await sticksOut(page)).toBeLessThanOrEqual(0);
    await shoot(page, 'hostile');
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

  test('a tab of before an update goes on, and the next visit has the new files alone', async () => {
    let folder = DIST;
    const host = await serve(() => folder);
    onTestFinished(() => host.close());
    const page = await visit('#race?longest=1024', {}, host);
    await page.getByText('works without a network').waitFor();
    folder = nextVersion();
    await page.evaluate(async () => {
      const { serviceWorker } = navigator;
      const isNew = new Promise((resolve) => {
        serviceWorker.addEventListener('controllerchange', resolve, { once: true });
      });
      await (await serviceWorker.getRegistration())!.update();
      await isNew;
    });
    // The race starts another worker, whose script the server has no more.
    await page.getByRole('button', { name: 'Start the race' }).click();
    await page.getByText(/^[1-9]\d* measured|^Running: [1-9]/).waitFor({ timeout: 60_000 });
    expect(await page.getByRole('alert').count()).toBe(0);

    await page.goto('about:blank');
    const next = await page.context().newPage();
    await next.goto(host.url);
    await says(next, '“bank” looks most at “river” 0.523');
    expect(next.workers()[0]!.url()).toContain('.next.js');
    const caches = (): Promise<string[]> => next.evaluate(() => globalThis.caches.keys());
    await expect.poll(caches, { timeout: 20_000 }).toHaveLength(1);
  });

  test('how long the main thread was busy is told', async () => {
    const page = await visit();
    expect(await page.locator('#long-tasks').textContent()).toMatch(/^Main thread: /);
    // Blocks the main thread, as a task of the page would: the page must show it. Browsers round the duration.
    await page.evaluate(() => {
      setTimeout(() => {
        const end = performance.now() + 500;
        while (performance.now() < end);
      });
    });
    await page.waitForFunction(
      () => Number(document.getElementById('long-tasks')!.dataset['longest']) >= 480,
    );
  });
});
