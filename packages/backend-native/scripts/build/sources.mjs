import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { join, relative } from 'node:path';
import { SOURCES, addFolder, filesIn, sourcesFingerprint } from './fingerprint.cjs';

export { SOURCES };

const nodeApi = createRequire(import.meta.url)('node-api-headers');

/** Names of Node-API's functions, as Windows' linkers read them. */
export const NODE_API_DEFINITIONS = nodeApi.def_paths;

/** Flags of every file. A product and a sum are fused where the source says so, and nowhere else. */
const COMMON = [
  '-std=c++20',
  '-ffp-contract=off',
  '-fwrapv',
  '-fvisibility=hidden',
  '-ffunction-sections',
  '-Wall',
  '-Wextra',
  '-Wno-missing-field-initializers',
  '-DNAPI_VERSION=8',
];
const KERNELS = ['-O3', '-fno-exceptions', '-fno-rtti'];
const OF_SYSTEM = { linux: ['-fPIC'], darwin: ['-fPIC'], win32: [] };
/** gcc warns of what a vector would be passed in, and of the lanes that a partial load leaves alone. */
const OF_FAMILY = {
  gcc: ['-Wno-psabi', '-Wno-maybe-uninitialized'],
  clang: ['-Wno-psabi', '-Wno-unknown-pragmas'],
  // Its check for undefined behavior is meant for debugging.
  zig: ['-Wno-psabi', '-Wno-unknown-pragmas', '-fno-sanitize=undefined'],
};

/** Levels of each architecture, with the instructions that their kernels are compiled for. */
const LEVELS = {
  x64: {
    avx512: { march: 'x86-64-v4', others: ['-mprefer-vector-width=512'] },
    avx2: { march: 'x86-64-v3' },
    plain: { march: 'x86-64' },
  },
  arm64: { neon: {}, plain: {} },
};

function commonFlags({ family }, { os }) {
  return [...COMMON, ...OF_SYSTEM[os], ...OF_FAMILY[family]];
}

/** Flags of a level's kernels. */
export function levelFlags(level, compiler, target) {
  const { march, others = [] } = LEVELS[target.cpu][level];
  const machine = march && `-march=${compiler.family === 'zig' ? march.replaceAll('-', '_') : march}`;
  return [...commonFlags(compiler, target), ...KERNELS, ...(machine ? [machine] : []), ...others];
}

/** Every object file: its source and its flags. */
export function objectsOf(compiler, target) {
  const levels = LEVELS[target.cpu];
  const sources = sourcesFingerprint();
  if (levels === undefined) throw new Error(`there are no kernels for ${target.cpu}; use x64 or arm64`);
  return [
    ...Object.keys(levels).map((level) => ({
      name: level,
      source: join(SOURCES, `kernels/${level}.cc`),
      flags: levelFlags(level, compiler, target),
    })),
    ...filesIn(SOURCES)
      .filter((path) => path.endsWith('.cc') && !path.includes('kernels'))
      .map((path) => ({
        name: relative(SOURCES, path).replaceAll(/\W/g, '-'),
        source: path,
        flags: [
          ...commonFlags(compiler, target),
          '-O2',
          `-I${nodeApi.include_dir}`,
          `-DHEED_SOURCES="${sources}"`,
        ],
      })),
  ];
}

/** A name for the state of sources, flags, compiler and target. */
export function fingerprint({ words, version, family }, target) {
  const hash = createHash('sha256').update(JSON.stringify([words.slice(1), version, family, target]));
  for (const folder of [SOURCES, fileURLToPath(new URL('.', import.meta.url))]) addFolder(hash, folder);
  return hash.digest('hex').slice(0, 16);
}
