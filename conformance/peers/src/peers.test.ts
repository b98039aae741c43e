import { readFileSync, readdirSync } from 'node:fs';
import { allCases, verify } from '@heed/conformance';
import { describe, expect, test } from 'vitest';
import { defectNames, runDefect } from './defects/run-defect.ts';
import { expectedFailuresOf, expectedList } from './expected/expected-list.ts';
import { columns } from './matrix/columns.ts';
import { judgePeer, peerCases } from './matrix/judge-peer.ts';
import { compatibilityPage } from './matrix/page.ts';
import { PEER_NAMES } from './matrix/peer-names.ts';
import type { Peer } from './peer.ts';

const load = async (name: string): Promise<Peer> =>
  ((await import(`./providers/${name}.ts`)) as { default: Peer }).default;

const ABOUT = { date: '2026-01-01', machine: 'a machine', node: '24', seconds: 1, sample: null };

describe('every peer', () => {
  test('has a module and a list of expected failures, and no list is left over', () => {
    const providers = readdirSync(new URL('providers', import.meta.url)).map((file) =>
      file.replace('.ts', ''),
    );
    const lists = readdirSync(new URL('../expected', import.meta.url)).map((file) =>
      file.replace('.json', ''),
    );
    expect(providers.sort()).toEqual([...PEER_NAMES].sort());
    expect(lists.sort()).toEqual([...PEER_NAMES].sort());
  });

  test.each(PEER_NAMES)(
    '%s: its list names cases that exist, each once, and defects that are there',
    async (name) => {
      const known = new Set((await allCases()).map(({ id }) => id));
      const groups = expectedList(name);
      const listed = groups.flatMap(({ cases }) => cases);
      expect(listed.filter((id) => !known.has(id))).toEqual([]);
      expect(new Set(listed).size).toBe(listed.length);
      const folders = readdirSync(new URL('../defects', import.meta.url));
      for (const { class: kind, defect, source } of groups) {
        if (defect !== undefined) expect(folders).toContain(defect);
        if (kind === 'defect') expect([defect, source]).not.toContain(undefined);
      }
    },
  );
});

describe('the README has a case of the suite for each defect', async () => {
  const known = new Set((await allCases()).map(({ id }) => id));
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const rows = [...readme.matchAll(/^\| \[([\w-]+)\]\(defects\/([\w-]+)\) \| (.+) \|$/gm)].map(
    ([, name, folder, words]) => {
      const ids = [...words!.matchAll(/`([\w/-]+)`/g)].map(([, id]) => id!);
      return { name: name!, folder: folder!, words: words!, ids };
    },
  );
  const groups = PEER_NAMES.flatMap((name) => expectedList(name));

  test('and no other', () => {
    expect(rows.map(({ folder }) => folder)).toEqual(defectNames());
    expect(rows.map(({ name }) => name)).toEqual(defectNames());
  });

  test.each(rows)('$name', ({ name, words, ids }) => {
    expect(ids.filter((id) => !known.has(id))).toEqual([]);
    if (ids.length === 0) expect(words).toMatch(/^none: /);
    // At least one of the cases that peers fail for this reason.
    const failing = groups.filter(({ defect }) => defect === name).flatMap(({ cases }) => cases);
    if (failing.length > 0) expect(failing.filter((id) => ids.includes(id))).not.toEqual([]);
  });
});

test.each(defectNames())('%s: its script shows the defect, in one version at least of those here', (name) => {
  const runs = runDefect(name);
  const absent = runs.filter(({ state }) => state === 'absent');
  for (const { words } of absent) expect(words).toMatch(/No module named|cannot find|is not here/i);
  // A version that is not installed may be the one that has it.
  if (absent.length === 0) expect(runs.map(({ state }) => state)).toContain('there');
});

test('a listed case that passes fails the run', async () => {
  const peer = await load('tfjs-cpu');
  const cases = (await peerCases()).filter(({ id }) => id === 'shape/control');
  const expectedFailures = expectedFailuresOf([
    { class: 'unspecified', reason: 'a reason that is not true', cases: ['shape/control'] },
  ]);
  expect(await verify(peer, { cases, expectedFailures })).toMatchObject({ failed: 1 });
});

test('the page names every clause, and every reason of the lists', async () => {
  const peer = await load('tfjs-cpu');
  const cases = (await peerCases()).filter(({ clause }) => clause === 'mask');
  const judged = await judgePeer(peer, cases, ABOUT);
  const page = compatibilityPage([judged]);
  expect(page).toContain('| [mask](https://www.npmjs.com/package/@heed/conformance#mask) |');
  for (const { reason } of expectedList('tfjs-cpu')) expect(page).toContain(reason);
});

test('every peer has a report and a badge, and no other', () => {
  const files = readdirSync(new URL('../reports', import.meta.url)).filter((file) => !file.endsWith('.json'));
  const expected = PEER_NAMES.flatMap((name) => [`${name}.md`, `${name}.svg`]);
  expect(files.sort()).toEqual(expected.sort());
});

test('the committed page is that of the columns, and every peer has one', () => {
  expect(columns().map(({ name }) => name)).toEqual([...PEER_NAMES]);
  expect(readFileSync(new URL('../COMPATIBILITY.md', import.meta.url), 'utf8')).toBe(
    compatibilityPage(columns()),
  );
});
