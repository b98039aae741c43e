/**
 * A program that runs the whole suite at every level with 1 and 2 threads, and processes that end with work under way,
 * on every supported Node. These come from the npm registry.
 *
 *   everywhere                 all
 *   everywhere 22 26           some; `here` is the Node that runs this
 *   everywhere --every 50 26   one case in so many
 */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { nodeFromRegistry } from './far/nodes.ts';

const VERSIONS = { 22: '22.23.5', 24: '24.22.3', 26: '26.12.1' } as const;
/** Ends while runs are under way: the process, and workers. */
const ENDS = [['ends', 'exit'], ['ends', 'workers', '10'], ['transfers']] as const;

interface Line {
  readonly device: string;
  readonly passed: number;
  readonly failures: readonly object[];
}

const words = process.argv.slice(2);
const at = words.indexOf('--every');
const every = at < 0 ? '1' : words.splice(at, 2)[1]!;
const program = (name: string): string => fileURLToPath(new URL(`${name}.js`, import.meta.url));
const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
let failed = 0;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function on(node: string): Promise<void> {
  const versions = ['-p', '`${process.version}, ABI ${process.versions.modules}`'];
  const name = `Node ${spawnSync(node, versions, { encoding: 'utf8' }).stdout.trim()}`;
  const child = spawn(node, [program('verify-here'), every], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  for await (const line of createInterface(child.stdout)) {
    const { device, passed, failures } = JSON.parse(line) as Line;
    failed += failures.length;
    say(`${name} | ${device} | ${passed} passed, ${failures.length} failed`);
    for (const failure of failures) say(`  ${JSON.stringify(failure)}`);
  }
  check(`${name} | the suite`, await ended);
  for (const [end, ...rest] of ENDS) {
    const { status } = spawnSync(node, ['--expose-gc', program(end), ...rest], { stdio: 'inherit' });
    check(`${name} | ${[end, ...rest].join(' ')}`, status);
  }
}

function check(name: string, status: number | null): void {
  if (status !== 0) failed++;
  say(`${name} | ended with ${status}`);
}

const isWanted = (name: string): boolean => words.length === 0 || words.includes(name);
if (isWanted('here')) await on(process.execPath);
for (const [name, version] of Object.entries(VERSIONS)) {
  if (isWanted(name)) await on(nodeFromRegistry(`node-${platform}@${version}`));
}
process.exitCode = failed === 0 ? 0 : 1;
