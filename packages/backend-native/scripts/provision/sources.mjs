import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { join, relative } from 'node:path';

/** Folder of the C++ sources. */
export const SOURCES = fileURLToPath(new URL('../../native', import.meta.url));

/** Flags of every file. A product and a sum are fused where the source says so, and nowhere else. */
const COMMON = [
  '-std=c++20',
  '-ffp-contract=off',
  '-fwrapv',
  '-fPIC',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  '-Wno-missing-field-initializers',
  '-DNAPI_VERSION=8',
];
const KERNELS = ['-O3', '-fno-exceptions', '-fno-rtti', '-Wno-psabi', '-Wno-maybe-uninitialized'];

/** Levels of each architecture, with the instructions that their kernels are compiled for. */
const LEVELS = {
  x64: {
    avx512: ['-DHEED_AVX512', '-march=x86-64-v4', '-mprefer-vector-width=512'],
    avx2: ['-DHEED_AVX2', '-march=x86-64-v3'],
    plain: ['-march=x86-64'],
  },
  arm64: { neon: ['-DHEED_NEON'], plain: [] },
};

/** Flags of a level of this machine. */
export function levelFlags(level) {
  return [...COMMON, ...KERNELS, ...LEVELS[process.arch][level]];
}

/** Every object file: its source and its flags. */
export function objectsOf(architecture) {
  const levels = LEVELS[architecture];
  if (levels === undefined) throw new Error(`there are no kernels for ${architecture}; use x64 or arm64`);
  const headers = createRequire(import.meta.url)('node-api-headers').include_dir;
  return [
    ...Object.entries(levels).map(([level, flags]) => ({
      name: level,
      source: join(SOURCES, 'kernels/level.cc'),
      flags: [...COMMON, ...KERNELS, ...flags],
    })),
    ...filesIn(SOURCES)
      .filter((path) => path.endsWith('.cc') && !path.endsWith('level.cc'))
      .map((path) => ({
        name: relative(SOURCES, path).replaceAll(/\W/g, '-'),
        source: path,
        flags: [...COMMON, '-O2', `-I${headers}`],
      })),
  ];
}

/** A name for the state of sources, flags and compiler. */
export function fingerprint(compiler) {
  const hash = createHash('sha256').update(JSON.stringify(compiler));
  for (const path of filesIn(SOURCES)) hash.update(relative(SOURCES, path)).update(readFileSync(path));
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  return hash.digest('hex').slice(0, 16);
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}
