#!/usr/bin/env node
// Builds the files that are published, for every platform or for those that are named, with the zig of build/zig.mjs.
// Each is built in a cache, once for the machine and the state of the sources, inspected, and put into its package, whose
// manifest is written, too. Prints a line for each with its sizes.
//
//   platforms [TARGET ...]         builds; linux-x64, win32-arm64 ...
//   platforms --manifests          writes the manifests only
//   platforms --check TARGET ...   inspects existing files, and refuses those that may not be published
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { gzipSync } from 'node:zlib';
import { installFile, isCurrent, platformFolder } from './build/install.mjs';
import { TARGETS } from './build/targets.mjs';
import { faultsOf } from './platforms/inspect.mjs';
import { manifestOf, readmeOf } from './platforms/manifest.mjs';
import { publishedFile } from './platforms/published.mjs';

const COMMAND = 'pnpm --filter @heed/backend-native platforms';
const kilobytes = (bytes) => `${Math.round(bytes / 1000)} KB`;

function writeManifest(name) {
  const folder = platformFolder(name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'README.md'), readmeOf(name));
  const path = join(folder, 'package.json');
  const manifest = manifestOf(name);
  if (existsSync(path) && isDeepStrictEqual(JSON.parse(readFileSync(path, 'utf8')), manifest)) return;
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

async function build(name) {
  const started = Date.now();
  const made = dirname(await publishedFile(name));
  check(name, made);
  installFile(made, platformFolder(name));
  return ((Date.now() - started) / 1000).toFixed(1);
}

/** @throws Error for a file that may not be published. */
function check(name, folder) {
  const faults = faultsOf(join(folder, 'heed.node'), name);
  if (faults.length > 0) throw new Error(`${name}: ${faults.join('; ')}`);
}

const words = process.argv.slice(2);
const names = words.filter((word) => !word.startsWith('--'));
for (const name of names) {
  if (!(name in TARGETS))
    throw new Error(`unknown target ${name}; use some of ${Object.keys(TARGETS).join(', ')}`);
}
for (const name of names.length > 0 ? names : Object.keys(TARGETS)) {
  if (words.includes('--check')) {
    if (!isCurrent(name)) throw new Error(`${name}: no file of these sources; run ${COMMAND} ${name}`);
    check(name, platformFolder(name));
    continue;
  }
  writeManifest(name);
  if (words.includes('--manifests')) continue;
  const seconds = await build(name);
  const file = join(platformFolder(name), 'heed.node');
  const sizes = `${kilobytes(statSync(file).size)}, ${kilobytes(gzipSync(readFileSync(file)).length)} compressed`;
  console.log(`${name.padEnd(16)} ${sizes.padEnd(28)} ${seconds} s`);
}
