/**
 * A program: the whole suite in every combination, in every runtime and browser available here. It prints a line
 * for each combination, names those that are absent, and ends with 1 when anything fails, or is absent although
 * `HEED_REQUIRE` is `all`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CHROMIUM, isRequired, openSite } from '@heed/testing';
import { SITE } from './site.ts';
import type { Verdict } from './verdict.ts';

const FIREFOX = process.env['HEED_FIREFOX'] ?? '/usr/bin/firefox-esr';
const PROGRAM = fileURLToPath(new URL('verify-here.js', import.meta.url));

interface Runtime {
  readonly command: readonly string[];
  /** Arguments between the command and a program. */
  readonly words?: readonly string[];
}

const RUNTIMES: Readonly<Record<string, Runtime>> = {
  "the machine's Node": { command: [process.env['npm_node_execpath'] ?? process.execPath] },
  'a newer Node': { command: [process.execPath] },
  'the same in 256 bits': { command: [process.execPath, '--experimental-wasm-revectorize'] },
  Deno: {
    command: ['npx', '-y', 'deno@2.9.6'],
    words: ['run', '--allow-all', '--node-modules-dir=manual'],
  },
  Bun: { command: ['npx', '-y', 'bun@1.4.5'], words: ['run'] },
};

/** The command that opens a page, with a profile of its own. */
const BROWSERS: Readonly<Record<string, (url: string, profile: string) => readonly string[]>> = {
  Chromium: (url, profile) => [
    ...[CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0'],
    ...[`--user-data-dir=${profile}`, url],
  ],
  Firefox: (url, profile) => [FIREFOX, '--headless', '--no-remote', '--profile', profile, url],
};

let failed = 0;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function sayAbsent(name: string, reason: string): void {
  if (isRequired()) failed++;
  say(`${name} | absent: ${reason}`);
}

function print(name: string, { combination, device, passed, failures }: Verdict): void {
  failed += failures.length;
  say(`${name} | ${combination} | ${device} | ${passed} passed, ${failures.length} failed`);
  for (const failure of failures) say(`  ${JSON.stringify(failure)}`);
}

async function inRuntime(name: string, { command, words = [] }: Runtime): Promise<void> {
  const [program, ...first] = command;
  if (spawnSync(program!, [...first, '--version']).status !== 0) {
    sayAbsent(name, `${command.join(' ')} does not run`);
    return;
  }
  const child = spawn(program!, [...first, ...words, PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  for await (const line of createInterface(child.stdout)) print(name, JSON.parse(line) as Verdict);
  if ((await ended) === 0) return;
  failed++;
  say(`${name} | it ended with ${child.exitCode}`);
}

async function inBrowser(name: string, isolated: boolean): Promise<void> {
  const profile = mkdtempSync(path.join(tmpdir(), 'heed-'));
  const where = `${name}, ${isolated ? '' : 'not '}isolated`;
  let end!: (error: string) => void;
  const ended = new Promise<string>((resolve) => (end = resolve));
  const site = await openSite({
    ...SITE,
    isolated,
    onPost(kind, body) {
      if (kind === 'end') end(body);
      else print(where, JSON.parse(body) as Verdict);
    },
  });
  const [command, ...words] = BROWSERS[name]!(`${site.url}?send`, profile);
  const child = spawn(command!, words, { stdio: 'ignore' });
  const closed = new Promise<string>((resolve) => child.on('close', () => resolve('the browser has ended')));
  const error = await Promise.race([ended, closed]);
  if (error !== '') {
    failed++;
    say(`${where} | ${error}`);
  }
  child.kill();
  await closed;
  await site.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}

const wanted = process.argv.slice(2);
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.includes(name);
for (const [name, runtime] of Object.entries(RUNTIMES)) if (isWanted(name)) await inRuntime(name, runtime);
for (const [name, commandOf] of Object.entries(BROWSERS)) {
  if (!isWanted(name)) continue;
  if (existsSync(commandOf('', '')[0]!)) {
    for (const isolated of [true, false]) await inBrowser(name, isolated);
  } else sayAbsent(name, `there is no ${commandOf('', '')[0]}`);
}
process.exitCode = failed === 0 ? 0 : 1;
