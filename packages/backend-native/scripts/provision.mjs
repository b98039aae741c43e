#!/usr/bin/env node
// Builds the native file of this platform with whatever compiler is there: CXX, g++, clang++ or zig. It is built in a
// cache, once for the machine and the state of the sources, and copied into the package. Does nothing when that is done.
//
//   --optional   no compiler is a message, not a failure, unless HEED_REQUIRE names native or all
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCompiler } from './provision/compiler.mjs';
import { compile } from './provision/compile.mjs';
import { fingerprint } from './provision/sources.mjs';

const say = (message) => process.stderr.write(`native: ${message}\n`);
const folder = fileURLToPath(new URL('../build', import.meta.url));

async function provision() {
  const compiler = findCompiler();
  if (compiler === null) return null;
  const name = `native-${process.platform}-${process.arch}-${fingerprint(compiler)}.node`;
  const mark = join(folder, 'made-from');
  const target = join(folder, 'heed.node');
  if (existsSync(target) && existsSync(mark) && readFileSync(mark, 'utf8') === name) return 'up to date';
  const cached = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'heed', name);
  const started = Date.now();
  if (!existsSync(cached)) {
    mkdirSync(dirname(cached), { recursive: true });
    await compile(compiler, cached);
  }
  mkdirSync(folder, { recursive: true });
  // A process may have loaded the old one: its file stays as it is.
  copyFileSync(cached, `${target}.${process.pid}`);
  renameSync(`${target}.${process.pid}`, target);
  writeFileSync(mark, name);
  return `built with ${compiler.version} in ${((Date.now() - started) / 1000).toFixed(1)} s`;
}

function isRequired() {
  const required = (process.env.HEED_REQUIRE ?? '').split(',').map((name) => name.trim());
  return required.includes('all') || required.includes('native');
}

const done = await provision();
if (done === null) {
  say('there is no C++ compiler; install g++, clang++ or zig (python3 -m pip install ziglang), or set CXX');
  if (!process.argv.includes('--optional') || isRequired()) process.exitCode = 1;
  else say('its backend is not available on this machine; everything else is');
} else say(done);
