import type { WorkloadSet } from '@heed/benchmarks';
import { describe, expect, test } from 'vitest';
import { heed, heedJSON } from '../test/heed.ts';

interface Listed {
  readonly clauses?: readonly { readonly clause: string; readonly cases: number }[];
  readonly cases?: readonly { readonly id: string; readonly clause: string; readonly purpose: string }[];
  readonly sets?: readonly WorkloadSet[];
  readonly contestants?: readonly string[];
}

const listed = (...words: readonly string[]): Listed => {
  const { code, value } = heedJSON<Listed>(['list', ...words]);
  expect(code).toBe(0);
  return value;
};

describe('heed list', () => {
  test('names the clauses and how many cases they have, workloads and contestants', () => {
    const value = listed();
    expect(Object.keys(value)).toEqual(['clauses', 'sets', 'contestants']);
    expect(value.clauses!.find(({ clause }) => clause === 'causal')!.cases).toBeGreaterThan(5);
    expect(value.sets!.map(({ name }) => name)).toEqual(
      'dense causal shapes decode window mask cross gradient minilm'.split(' '),
    );
    expect(value.contestants).toEqual(expect.arrayContaining(['@heed/backend-ts', 'triple loop', 'PyTorch']));
    const { stdout } = heed(['list']);
    expect(stdout).toMatch(/causal +\d+/);
    expect(stdout).toContain('decode/65536/h14/kv2');
  });

  test('names what is asked for, and no more', () => {
    expect(Object.keys(listed('clauses'))).toEqual(['clauses']);
    const { sets } = listed('workloads', '--heads', '3');
    expect(sets![0]!.workloads.map(({ name }) => name)).toContain('dense/16384/h3');
  });

  test('names the cases of a clause with their purposes', () => {
    const { cases } = listed('cases', '--clause', 'window', '--clause', 'gqa');
    expect(new Set(cases!.map(({ clause }) => clause))).toEqual(new Set(['gqa', 'window']));
    for (const { purpose } of cases!) expect(purpose).toMatch(/\.$/);
    const { stdout } = heed(['list', 'cases', '--clause', 'window']);
    expect(stdout).toMatch(/ {2}window\/left-3\/causal\n {4}A row may attend to the keys within its window/);
  });

  test.each([
    [['moods'], /Allowed choices are clauses, cases, workloads, contestants/],
    [['cases', '--clause', 'mood'], /unknown clause mood/],
    [['workloads', '--lengths', '0'], /greater than 0/],
  ])('%j is wrong usage', (words, message) => {
    const { code, stdout, stderr } = heed(['list', ...words]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
