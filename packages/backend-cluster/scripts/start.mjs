#!/usr/bin/env node
// Starts a NATS server and three workers on this machine, and ends them with Ctrl-C.
//
//   --workers N      workers, default 3
//   --backend NAME   their backend, default native where it runs here, else wasm
//   --port N         port of the server, default 4222
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import native from '@heed/backend-native';
import { startWorker } from '@heed/backend-cluster/worker';
import { provision } from './provision/server.mjs';

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '3' },
    backend: { type: 'string' },
    port: { type: 'string', default: '4222' },
  },
});
const say = (message) => process.stderr.write(`${message}\n`);

const folder = mkdtempSync(join(tmpdir(), 'heed-nats-'));
const server = spawn(provision(), ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', values.port], {
  stdio: 'ignore',
});
const ended = new Promise((resolve) => server.once('exit', resolve));
const workers = [];
let isEnding = false;

async function end() {
  if (isEnding) return;
  isEnding = true;
  await Promise.all(workers.map((worker) => worker.stop()));
  server.kill();
  await ended;
  rmSync(folder, { recursive: true, force: true });
  process.exit();
}
process.once('SIGINT', end);
process.once('SIGTERM', end);
void ended.then((code) => {
  if (isEnding) return;
  say(`the server ended with ${code}: is port ${values.port} taken? --port chooses another`);
  process.exit(1);
});

await wait(500);
const name = values.backend ?? ((await native.probe()).available ? 'native' : 'wasm');
const servers = `nats://127.0.0.1:${values.port}`;
const backend = import.meta.resolve(`@heed/backend-${name}`);
const backendOptions = name === 'native' || name === 'wasm' ? { threads: 1 } : {};
for (let n = 0; n < Number(values.workers); n++) {
  const worker = await startWorker({ servers, backend, backendOptions, onEvent: say });
  workers.push(worker);
  say(`${worker.id}: ${worker.device}`);
}
say(`${workers.length} workers on ${servers}, unencrypted: for this machine only. Ctrl-C ends them.`);
