import { describe, expect, test } from 'vitest';
import { GroupTable } from './groups.ts';
import { holdersOf } from './presence.ts';
import { GROUPS } from './protocol.ts';

const WORKERS = ['a', 'b', 'c', 'd'];

describe('groups', () => {
  test('change hands only where their holder comes or goes', () => {
    const before = holdersOf(WORKERS);
    const without = holdersOf(['a', 'b', 'd']);
    expect(new Set(before).size).toBe(4);
    before.forEach((holder, group) => {
      if (holder === 'c') expect(['a', 'b', 'd']).toContain(without[group]);
      else expect(without[group]).toBe(holder);
    });
    expect(holdersOf([])).toEqual(Array.from({ length: GROUPS }));
  });

  test('of parts in turn are those of different workers, and stay', () => {
    const table = new GroupTable(() => WORKERS);
    const holders = holdersOf(WORKERS);
    const groups = [0, 1, 2, 3].map((part) => table.groupOf(part));
    expect(new Set(groups.map((group) => holders[group])).size).toBe(4);
    expect([0, 1, 2, 3].map((part) => table.groupOf(part))).toEqual(groups);
  });

  test('of anything else are those of the worker who has the least to do', () => {
    const table = new GroupTable(() => WORKERS);
    const holders = holdersOf(WORKERS);
    const groups = WORKERS.map(() => {
      const group = table.groupOf(null);
      table.begin(group);
      return group;
    });
    expect(new Set(groups.map((group) => holders[group])).size).toBe(4);
    table.end(groups[2]!);
    expect(holders[table.groupOf(null)]).toBe(holders[groups[2]!]);
  });
});
