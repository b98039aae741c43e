import type { BrowserContextOptions } from 'playwright-core';
import { expect, test } from 'vitest';
import { violations } from './test/axe.ts';
import { inChromium, radio, says, shoot, sticksOut, visit } from './test/visit.ts';

const WAYS: Record<string, BrowserContextOptions> = {
  light: {},
  dark: { colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 } },
};

inChromium(() => {
  test.each([
    ['#look', 'light, dark, phone'],
    ['#look?capture=passage', 'phone'],
    ['#look?selection=sample&window=2', 'dark'],
    ['#compare', 'light, dark, phone'],
    ['#race', 'light, dark, phone'],
    ['#own', 'light, phone'],
  ])('%s has no violation that axe knows, %s; nothing sticks out', async (hash, ways) => {
    for (const way of ways.split(', ')) {
      const page = await visit(hash, WAYS[way]);
      if (!/^#(race|own)/.test(hash)) await says(page, 'looks');
      await page.locator('details').evaluateAll((all) => all.forEach((one) => one.setAttribute('open', '')));
      expect(await violations(page)).toEqual([]);
      expect(await sticksOut(page)).toBeLessThanOrEqual(0);
      await shoot(page, `${hash.slice(1).replaceAll(/\W+/g, '-')}-${way}`);
    }
  });

  test('every page of the navigation is in sight on a phone', async () => {
    for (const width of [390, 320]) {
      const page = await visit('#own', { viewport: { width, height: 844 } });
      const links = page.getByRole('navigation').getByRole('link');
      const ends = await links.evaluateAll((all) => all.map((one) => one.getBoundingClientRect().right));
      expect(ends.length).toBe(5);
      for (const end of ends) expect(end).toBeLessThanOrEqual(width);
      expect(
        await page.getByRole('navigation').evaluate((nav) => nav.scrollWidth - nav.clientWidth),
      ).toBeLessThanOrEqual(0);
    }
  });

  test('light and dark can be chosen', async () => {
    const page = await visit();
    const ground = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await radio(page, 'Colors', 'Dark').check();
    expect(await ground()).toBe('rgb(19, 17, 24)');
    await radio(page, 'Colors', 'Light').check();
    expect(await ground()).toBe('rgb(251, 250, 247)');
  });

  test('the keyboard reaches everything: a link to the content comes first', async () => {
    const page = await visit();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  });
});
