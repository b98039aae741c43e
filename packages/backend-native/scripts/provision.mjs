#!/usr/bin/env node
// Builds the native file of this platform with whatever compiler is there: CXX, g++, clang++ or zig. It is built in a
// cache, once for the machine and the state of the sources, and copied into the package. Does nothing when that is done.
// Removes a platform package that was built of other sources: it would be loaded instead.
//
//   --optional   no compiler is a message, not a failure, unless HEED_REQUIRE names native or all

import { findCompiler } from './build/compiler.mjs';
import { cached } from './build/cache.mjs';
import { compile } from './build/compile.mjs';
import { OWN, installFile, removeStale } from './build/install.mjs';
import { fingerprint } from './build/sources.mjs';
import { HERE } from './build/targets.mjs';

const say = (message) => process.stderr.write(`native: ${message}\n`);

async function provision() {
  removeStale();
  const compiler = findCompiler();
  if (compiler === null) return null;
  const started = Date.now();
  const made = await cached(
    `native-${process.platform}-${process.arch}-${fingerprint(compiler, HERE)}`,
    (partial) => compile(compiler, HERE, partial),
  );
  if (!installFile(made, OWN)) return 'up to date';
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
