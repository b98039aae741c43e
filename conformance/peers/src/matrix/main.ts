// Runs the suite on every installed peer, renews its column in columns and writes COMPATIBILITY.md. With a name:
// only that peer, and prints the results that are not on its list.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Peer } from '../peer.ts';
import { columns, writeColumn } from './columns.ts';
import { type Circumstances, judgePeer, peerCases } from './judge-peer.ts';
import { compatibilityPage } from './page.ts';
import { PEER_NAMES } from './peer-names.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const [name] = process.argv.slice(2);
if (name === undefined) runAll();
else await runOne(name);

/** Runs peers one after another, in separate processes: a library that crashes loses only its own column. */
function runAll(): void {
  const started = performance.now();
  const counts: Record<string, string[]> = { agree: [], differ: [], absent: [] };
  for (const peer of PEER_NAMES) {
    const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), peer], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    counts[status === 0 ? 'agree' : status === 1 ? 'differ' : 'absent']!.push(peer);
  }
  const words = Object.entries(counts).map(([state, peers]) => `${state}: ${peers.join(', ') || 'none'}`);
  say(`${Math.round((performance.now() - started) / 1000)} s, with their lists ${words.join('; ')}`);
  process.exitCode = counts['agree']!.length === PEER_NAMES.length ? 0 : 1;
}

/** Exits with 0 if the results are those of the list, 1 if not, 2 if the library is not installed. */
async function runOne(peerName: string): Promise<void> {
  const { default: peer } = (await import(`../providers/${peerName}.js`)) as { default: Peer };
  const availability = await peer.probe();
  if (!availability.available) {
    say(`${peerName}: ${availability.reason}: ${availability.remedy}`);
    process.exit(2);
  }
  const judged = await judgePeer(peer, await peerCases(), circumstances());
  const unlisted = judged.cells.flatMap(({ unexpected }) => unexpected);
  for (const { id, message } of unlisted) say(`${peerName}: ${id}: ${message}`);
  const passed = judged.cells.reduce((sum, cell) => sum + cell.passed, 0);
  say(
    `${peerName}: ${judged.device}, ${passed} agree, ${unlisted.length} not as listed, ${judged.seconds} s`,
  );
  writeColumn(judged);
  writeFileSync(new URL('../../COMPATIBILITY.md', import.meta.url), compatibilityPage(columns()));
  // Threads of a library must not keep the process alive.
  process.exit(unlisted.length > 0 ? 1 : 0);
}

function circumstances(): Circumstances {
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim() ?? 'an unknown processor'}, ${process.platform} ${process.arch}`,
    node: process.versions.node,
  };
}
