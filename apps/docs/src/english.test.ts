import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './blocks.ts';

const FILES = execFileSync('git', ['ls-files', '*.ts', '*.tsx', '*.mjs', '*.cc', '*.h', '*.css', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter(
    (file) =>
      file !== '' &&
      !/^(conformance|packages\/\w+)\/cases\/|^apps\/outside\/api\/|CHANGELOG|english\.test\.ts$/.test(file),
  );

/** Returns where a pattern stands in the files, as `file:line: words`. */
function hits(pattern: RegExp, files: readonly string[] = FILES): string[] {
  return files.flatMap((file) => {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    return [...text.matchAll(pattern)].map((match) => {
      const line = text.slice(0, match.index).split('\n').length;
      return `${file}:${line}: ${match[0].replaceAll(/\s+/g, ' ').trim()}`;
    });
  });
}

test('a doc comment begins with a noun phrase or a verb', () => {
  const code = FILES.filter((file) => !file.endsWith('.md'));
  expect(hits(/\/\*\*[\s*]*(?:What|Whether|How|Who|Of)\b.{0,40}/g, code)).toEqual([]);
});

test('spelling is American', () => {
  const british =
    /\b(?:colour\w*|behaviour\w*|neighbour\w*|favour\w*|honour\w*|centre[sd]?|catalogue\w*|\w*(?:recogn|normal|initial|optim|serial|synchron|organ|quant|summar|synthes|minim|maxim|util)is(?:e[sdr]?|ing|ation)\b)/gi;
  expect(hits(british)).toEqual([]);
});

test('a sentence denies with "is not a", and does not "have" what it means to get', () => {
  const none = /(?<!\bthere)(?<![Tt]here)\s(?:is|are|was|were)\s+no\s+(?!longer\b|\w+er\b|more\b|less\b)\w+/g;
  expect(hits(none)).toEqual([]);
  expect(hits(/\b(?:be|was|is) had\b|\bhave it (?:again|otherwise)\b/g)).toEqual([]);
});

test('a thing comes after the last one, and stands in place of another', () => {
  const files = FILES.filter((file) => !/\.(?:cc|h)$/.test(file));
  expect(hits(/\bbehind the (?:first|last)\b|\bin the place of\b/g, files)).toEqual([]);
});
