import { expect, test } from 'vitest';
import { installedDocumentation, libraryOf, plain, quotesOf } from './documentation.ts';
import { defectNames } from './run-defect.ts';

const documentation = installedDocumentation();

test.each(defectNames())('%s: its library documents what the README quotes', (name) => {
  const quotes = quotesOf(name);
  expect(quotes.length).toBeGreaterThan(0);
  const text = documentation[libraryOf(name)];
  // A library that is not installed here says nothing.
  if (text === undefined) return;
  for (const quote of quotes) expect(plain(text)).toContain(quote);
});
