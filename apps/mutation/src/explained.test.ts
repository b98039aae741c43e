import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Explanation, explain, killedBefore, nameOf } from './explained.ts';
import type { Mutant } from './instrument.ts';
import type { Fate } from './mutate.ts';

function mutant(id: string, file: string, line: number): Mutant {
  return {
    id,
    file,
    line,
    code: 'if (a < b) {',
    mutator: 'EqualityOperator',
    original: 'a\n  < b',
    replacement: 'a <= b',
  };
}

const killed = (of: Mutant): Fate => ({ mutant: of, fate: 'killed', by: { id: 'a-case', message: 'wrong' } });
const survived = (of: Mutant): Fate => ({ mutant: of, fate: 'survived', by: null });

const NAME = 'one.ts | if (a < b) { | a < b → a <= b';
const explanation = { kind: 'cost', reason: 'The loop makes one more round.', mutants: [NAME] } as const;

test('a mutant has the same name in another line', () => {
  expect(nameOf(mutant('1', 'one.ts', 3))).toBe(NAME);
  expect(nameOf(mutant('8', 'one.ts', 70))).toBe(NAME);
});

describe('survivors', () => {
  test('are explained, or not', () => {
    const [known, unknown] = [mutant('1', 'one.ts', 3), mutant('2', 'two.ts', 3)];
    const { explained, stale } = explain([survived(known), survived(unknown)], [explanation]);
    expect(explained).toEqual([
      { mutant: known, by: explanation },
      { mutant: unknown, by: null },
    ]);
    expect(stale).toEqual([]);
  });

  test('that a case kills make their explanation stale', () => {
    expect(explain([killed(mutant('1', 'one.ts', 3))], [explanation]).stale).toEqual([NAME]);
  });

  test('of files that were left out do not', () => {
    expect(explain([killed(mutant('1', 'two.ts', 3))], [explanation]).stale).toEqual([]);
  });
});

test('of an earlier run those count of which all with their name were killed', () => {
  const [here, twin, other] = [mutant('1', 'one.ts', 3), mutant('2', 'one.ts', 9), mutant('3', 'two.ts', 3)];
  expect(killedBefore([here, other], [killed(here), killed(twin), survived(other)])).toEqual([killed(here)]);
  expect(killedBefore([here], [killed(here), survived(twin)])).toEqual([]);
  expect(killedBefore([here], [survived(twin), killed(here)])).toEqual([]);
});

test('explanations are of lines that the backend has', () => {
  const explanations = JSON.parse(
    readFileSync(new URL('../explained.json', import.meta.url), 'utf8'),
  ) as readonly Explanation[];
  const linesOf = (file: string): string[] =>
    readFileSync(new URL(`../../../packages/backend-ts/src/${file}`, import.meta.url), 'utf8')
      .split('\n')
      .map((line) => line.trim());
  const gone = explanations
    .flatMap(({ mutants }) => mutants)
    .filter((name) => {
      const [file] = name.split(' | ', 1) as [string];
      // Code may contain the separator.
      return !linesOf(file).some((line) => line !== '' && name.startsWith(`${file} | ${line} | `));
    });
  expect(gone).toEqual([]);
});
