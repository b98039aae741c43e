import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stdoutOf, strangersEnvironment } from '../run.ts';

/** A registry of npm packages on this machine. */
export interface Registry {
  readonly url: string;
  stop(): Promise<void>;
}

/** Time limit of the registry's first answer. */
const START_SECONDS = 60;

/**
 * Starts a registry that has the packages of `own` and of third parties (`heed-backend-…`) and passes on every other request to the registry that this machine
 * is set up for.
 */
export async function startRegistry(folder: string, own: readonly string[]): Promise<Registry> {
  mkdirSync(folder, { recursive: true });
  const { npm_config_registry: _, ...env } = strangersEnvironment('', folder);
  const uplink = (await stdoutOf('npm', ['config', 'get', 'registry'], { cwd: folder, env })).trim();
  const config = path.join(folder, 'verdaccio.json');
  writeFileSync(config, JSON.stringify(configuration(uplink, own)));
  const port = await freePort();
  const url = `http://localhost:${port}/`;
  const main = createRequire(import.meta.url).resolve('verdaccio/bin/verdaccio');
  const child = fork(main, ['--config', config, '--listen', `localhost:${port}`], {
    cwd: folder,
    silent: true,
    env,
  });
  await untilItAnswers(child, url);
  return { url, stop: () => ended(child) };
}

/** Returns the configuration in JSON, which is valid YAML. */
function configuration(uplink: string, own: readonly string[]): object {
  const ours = { access: '$all', publish: '$all' };
  return {
    storage: './storage',
    uplinks: { machine: { url: uplink, maxage: '1h', timeout: '60s' } },
    packages: {
      ...Object.fromEntries(own.map((name) => [name, ours])),
      'heed-backend-*': ours,
      '**': { access: '$all', proxy: 'machine' },
    },
    auth: {},
    max_body_size: '100mb',
    web: { enable: false },
    log: { type: 'stdout', format: 'json', level: 'warn' },
  };
}

/** Returns a port that is free at the moment. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, 'localhost', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function untilItAnswers(child: ChildProcess, url: string): Promise<void> {
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => (said = (said + chunk).slice(-4000)));
  for (const start = Date.now(); Date.now() - start < START_SECONDS * 1000; await delay(100)) {
    if (child.exitCode !== null) break;
    const answer = await fetch(new URL('-/ping', url)).catch(() => null);
    if (answer?.ok) return;
  }
  await ended(child);
  throw new Error(`the registry did not start: ${said}`);
}

/** Ends only the process that was started here. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}
