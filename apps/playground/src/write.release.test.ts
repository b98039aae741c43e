import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { isRequired } from '@heed/testing';
import { expect, onTestFinished, test } from 'vitest';
import { serve } from './test/chromium.ts';
import { DIST, inChromium, says, shoot, visit } from './test/visit.ts';

const NAME = 'SmolLM2-135M-Instruct';
const FILE = path.join(
  process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'),
  'heed',
  NAME,
  `${NAME}.Q4_1.gguf`,
);

inChromium(() => {
  test.skipIf(!existsSync(FILE) && !isRequired())(
    `SmolLM2 repeats what came before, and the head of the first picture shows why (pnpm provision fetches ${NAME})`,
    async () => {
      const host = await serve(DIST, { [`${NAME}.Q4_1.gguf`]: readFileSync(FILE) });
      onTestFinished(() => host.close());
      const page = await visit('#write', {}, host);
      await page.getByRole('button', { name: 'Fetch the model' }).click();
      await page.locator('.odds').waitFor({ timeout: 120_000 });
      expect(await page.locator('.odds bdi').first().textContent()).toBe('␣Charles');
      expect(parseFloat((await page.locator('.odds .percent').first().textContent())!)).toBeGreaterThan(40);
      await says(page, '“␣to” looks most at “␣Charles”');
      await shoot(page, 'write-smollm2');
      await page.getByRole('button', { name: 'Write 8 tokens' }).click();
      const written = (): Promise<string> => page.getByRole('textbox', { name: 'Text' }).inputValue();
      await expect.poll(written, { timeout: 60_000 }).toMatch(/Ada Lovelace wrote to Charles Babbage\.$/m);
    },
    300_000,
  );
});
