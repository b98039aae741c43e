import { readFileSync } from 'node:fs';
import { FEATURES, GUARANTEES } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { PARTS, allCases } from './all-cases.ts';
import { beginningsOf } from './cases/building/purposes.ts';
import { PRECISIONS } from './judge/precision.ts';
import { clauseOf } from './refusal.ts';

const text = readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8');
const clauses = [...text.matchAll(/^### (\S+)$/gm)].map(([, id]) => id!);
const cases = await allCases();

describe('SPEC.md', () => {
  test('has each clause once', () => {
    expect(new Set(clauses).size).toBe(clauses.length);
  });

  test('has a clause for every feature and guarantee', () => {
    expect(clauses).toEqual(expect.arrayContaining([...FEATURES.map(clauseOf), ...GUARANTEES]));
  });

  test('names every feature that is only part of a clause', () => {
    for (const feature of FEATURES.filter((name) => name.includes('.')))
      expect(text).toContain(`\`${feature}\``);
  });

  test('links to clauses that exist', () => {
    const links = [...text.matchAll(/\]\(#(\w+)\)/g)].map(([, id]) => id!.toLowerCase());
    expect(clauses.map((id) => id.toLowerCase())).toEqual(expect.arrayContaining(links));
  });

  test('states the floors that the judge uses', () => {
    expect(PRECISIONS.float32).toEqual({ naiveFactor: 2, floor: 8 * 2 ** -24 });
    expect(PRECISIONS.float16).toEqual(PRECISIONS.float32);
    expect(PRECISIONS.bfloat16).toEqual(PRECISIONS.float32);
    expect(PRECISIONS.float64).toEqual({ naiveFactor: 2, floor: 2 ** 12 * 2 ** -53 });
    expect(text).toContain('| float32, float16, bfloat16 | 8 · 2⁻²⁴ |');
    expect(text).toContain('| float64 | 2¹² · 2⁻⁵³ |');
  });
});

describe('cases', () => {
  test('have ids of their own', () => {
    const ids = cases.map(({ id }) => id);
    expect(ids.filter((id, n) => ids.indexOf(id) !== n)).toEqual([]);
  });

  test('check every clause, in the order of SPEC.md', () => {
    expect([...new Set(cases.map(({ clause }) => clause))]).toEqual(clauses);
  });

  test('say what they are there to find, in a sentence', () => {
    for (const { id, purpose } of cases) expect(purpose, id).toMatch(/^\S[^\n]{10,160}[.]$/);
  });

  // That of a whole clause is for cases that are yet to come.
  test('have no sentence for a family that is not there', () => {
    for (const [purposes, makeCases] of PARTS) {
      const families = new Set(makeCases().flatMap(({ id }) => beginningsOf(id)));
      const chosen = new Set(
        makeCases().map(({ id }) => beginningsOf(id).find((part) => Object.hasOwn(purposes, part))),
      );
      const unused = Object.keys(purposes).filter((part) => part.includes('/') && !chosen.has(part));
      expect({ unused, unknown: Object.keys(purposes).filter((part) => !families.has(part)) }).toEqual({
        unused: [],
        unknown: [],
      });
    }
  });

  test('make the same request each time', () => {
    const agreements = cases.filter((theCase) => theCase.kind === 'agreement');
    for (const theCase of agreements.filter((_, n) => n % 20 === 0)) {
      expect(theCase.request()).toEqual(theCase.request());
    }
  });
});
