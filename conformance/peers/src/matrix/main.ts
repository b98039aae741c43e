// Runs the suite on every peer that is installed and writes COMPATIBILITY.md. A name runs that peer alone and prints
// what no list knows.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peer } from '../peer.ts';
import { type Judged, judgePeer, peerCases } from './judge-peer.ts';
import { compatibilityPage } from './page.ts';
import { PEER_NAMES } from './peer-names.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const [name, into] = process.argv.slice(2);
if (name === undefined) await runAll();
else await runOne(name, into);

/** One after another, in processes of their own: a library that crashes takes down its column alone. */
async function runAll(): Promise<void> {
  const judged: Judged[] = [];
  const absent: string[] = [];
  for (const peer of PEER_NAMES) {
    const file = path.join(tmpdir(), `heed-peer-${process.pid}-${peer}.json`);
    const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), peer, file], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status === 0) judged.push(JSON.parse(readFileSync(file, 'utf8')) as Judged);
    else absent.push(peer);
  }
  const machine = `${cpus()[0]?.model.trim() ?? 'an unknown processor'}, ${process.platform} ${process.arch}`;
  const date = new Date().toISOString().slice(0, 10);
  const page = compatibilityPage(judged, { date, machine, node: process.versions.node });
  writeFileSync(new URL('../../COMPATIBILITY.md', import.meta.url), page);
  const unlisted = judged.flatMap(({ cells }) => cells.flatMap(({ unexpected }) => unexpected));
  say(
    `${judged.length} peers, ${unlisted.length} results that no list expects; did not run: ${absent.join(', ') || 'none'}`,
  );
  process.exitCode = unlisted.length > 0 || absent.length > 0 ? 1 : 0;
}

async function runOne(peerName: string, file: string | undefined): Promise<void> {
  const { default: peer } = (await import(`../providers/${peerName}.js`)) as { default: Peer };
  const availability = await peer.probe();
  if (!availability.available) {
    say(`${peerName}: ${availability.reason}: ${availability.remedy}`);
    process.exit(2);
  }
  const judged = await judgePeer(peer, await peerCases());
  const unlisted = judged.cells.flatMap(({ unexpected }) => unexpected);
  for (const { id, message } of unlisted) say(`${peerName}: ${id}: ${message}`);
  const passed = judged.cells.reduce((sum, cell) => sum + cell.passed, 0);
  say(
    `${peerName}: ${judged.device}, ${passed} agree, ${unlisted.length} not as listed, ${judged.seconds} s`,
  );
  if (file !== undefined) writeFileSync(file, JSON.stringify(judged));
  // Threads of a library must not hold the process.
  process.exit(file === undefined && unlisted.length > 0 ? 1 : 0);
}
