#!/usr/bin/env node
// The kernels, the pool and the binding under sanitizers, on Linux with g++ or clang++.
//
//   sanitize                    both; the whole suite under address and undefined, one case in ten under thread
//   sanitize address | thread   one of them
//   --every N                   one case in so many
//
// address: the file that Node loads has the checks; the suite at every level, workers that are terminated and processes
// that end with runs under way, and inputs that are transferred. thread: recorded runs are replayed by a program that
// links kernels and pool without Node, from several callers at once.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCompiler } from './build/compiler.mjs';
import { addressFile, recordingFile, replayProgram } from './sanitize/build.mjs';

const words = process.argv.slice(2);
const at = words.indexOf('--every');
const every = at < 0 ? undefined : words.splice(at, 2)[1];
const isWanted = (name) => words.length === 0 || words.includes(name);
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const program = (name) => file(`../dist/test/${name}.js`);
const compiler = findCompiler();
if (process.platform !== 'linux' || compiler === null || compiler.family === 'zig') {
  throw new Error('sanitizers require Linux with g++ or clang++');
}

/** Runs a command, and ends this program where it fails. */
function check(name, [command, ...rest], env = {}) {
  const started = Date.now();
  const { status, signal } = spawnSync(command, rest, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  console.log(`${name}: ended with ${status ?? signal}, ${((Date.now() - started) / 1000).toFixed(0)} s`);
  if (status !== 0) process.exit(1);
}

/** Has the Node of a command load another native file. */
const loading = (path) => ({
  HEED_SANITIZED: path,
  NODE_OPTIONS: `--require=${file('sanitize/preload.cjs')}`,
});

if (isWanted('address')) {
  const { stdout } = spawnSync(compiler.words[0], ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  const env = {
    ...loading(await addressFile(compiler)),
    LD_PRELOAD: stdout.trim(),
    // Node itself leaves memory behind. Where there is not enough, the backend is to say so.
    ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  };
  const node = (...rest) => [process.execPath, '--expose-gc', ...rest];
  check('address, the suite', node(program('verify-here'), every ?? '1'), env);
  check('address, 100 terminated workers', node(program('ends'), 'workers', '100'), env);
  for (let n = 1; n <= 10; n++) check(`address, process.exit() ${n}`, node(program('ends'), 'exit'), env);
  check('address, transferred inputs', node(program('transfers')), env);
}

if (isWanted('thread')) {
  const folder = mkdtempSync(join(tmpdir(), 'heed-recording-'));
  const recording = join(folder, 'runs');
  const env = { ...loading(await recordingFile(compiler)), HEED_RECORDING: recording };
  check('recording', [process.execPath, program('verify-here'), every ?? '10', 'plain'], env);
  const replay = await replayProgram(compiler);
  for (const { option } of createRequire(import.meta.url)(env.HEED_SANITIZED).levels()) {
    check(`thread, ${option}`, [replay, recording, option], { TSAN_OPTIONS: 'halt_on_error=1' });
  }
  rmSync(folder, { recursive: true });
}
