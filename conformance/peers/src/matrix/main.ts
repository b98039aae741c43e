// Runs `heed verify` on every installed peer, renews its report in reports, its column in columns, and COMPATIBILITY.md.
// With names: only those peers. Prints the results that are not on their lists.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClauseReport } from '@heed/conformance';
import type { Peer } from '../peer.ts';
import { columns, writeColumn } from './columns.ts';
import { judged, peerCases } from './judge-peer.ts';
import { compatibilityPage } from './page.ts';
import { PEER_NAMES } from './peer-names.ts';
import { sampleOf } from './sample.ts';

const HEED = fileURLToPath(new URL('../../../../apps/cli/bin/heed.js', import.meta.url));
const REPORTS = fileURLToPath(new URL('../../reports', import.meta.url));

/** The needed fields of `heed-report/1`. */
interface Published {
  readonly date: string;
  readonly backend: { readonly device: string };
  readonly machine: { readonly cpu: string; readonly os: string; readonly node: string };
  readonly clauses: readonly ClauseReport[];
  readonly error: { readonly message: string } | null;
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const names = process.argv.slice(2);
if (names.length === 1) await runOne(names[0]!);
else runAll(names.length === 0 ? PEER_NAMES : names);

/** Runs peers one after another, in separate processes: a library that crashes loses only its own column. */
function runAll(peers: readonly string[]): void {
  const started = performance.now();
  const counts: Record<string, string[]> = { agree: [], differ: [], absent: [] };
  for (const peer of peers) {
    const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), peer], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    counts[status === 0 ? 'agree' : status === 1 ? 'differ' : 'absent']!.push(peer);
  }
  const words = Object.entries(counts).map(([state, some]) => `${state}: ${some.join(', ') || 'none'}`);
  say(`${Math.round((performance.now() - started) / 1000)} s, with their lists ${words.join('; ')}`);
  process.exitCode = counts['agree']!.length === peers.length ? 0 : 1;
}

/** Exits with 0 if the results are those of the list, 1 if not, 2 if the library is not installed. */
async function runOne(peerName: string): Promise<void> {
  const { default: peer } = (await import(`../providers/${peerName}.js`)) as { default: Peer };
  const started = performance.now();
  const sample = sampleOf(peerName);
  const ids = (sample ?? []).flatMap((id) => ['--case', id]);
  const words = ['verify', `peers/${peerName}`, ...ids, '--report', REPORTS, '--timeout', '600'];
  const { status } = spawnSync(process.execPath, [HEED, ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0 && status !== 1) process.exit(2);
  const seconds = Math.round((performance.now() - started) / 1000);
  const file = path.join(REPORTS, `${peerName}.json`);
  const { backend, clauses, machine, date, error } = JSON.parse(readFileSync(file, 'utf8')) as Published;
  // The counts of cases are in the column; the JSON has every case, and its author can make it anew.
  rmSync(file);
  if (error !== null) {
    say(`${peerName}: ${error.message}`);
    process.exit(1);
  }
  const judging = new Set((await peerCases()).map(({ id }) => id));
  const column = judged(peer, backend.device, clauses, judging, {
    date: date.slice(0, 10),
    machine: `${machine.cpu}, ${machine.os}`,
    node: machine.node,
    seconds,
    sample: sample?.length ?? null,
  });
  const unlisted = clauses.flatMap(({ failures }) => failures);
  for (const { id, message } of unlisted) say(`${peerName}: ${id}: ${message}`);
  const passed = column.cells.reduce((sum, cell) => sum + cell.passed, 0);
  say(`${peerName}: ${column.device}, ${passed} agree, ${unlisted.length} not as listed, ${seconds} s`);
  writeColumn(column);
  writeFileSync(new URL('../../COMPATIBILITY.md', import.meta.url), compatibilityPage(columns()));
  process.exitCode = unlisted.length > 0 ? 1 : 0;
}
