#!/usr/bin/env node
// Runs the kernels, the pool and the binding under sanitizers, on Linux with g++ or clang++.
//
//   sanitize                    both; the whole suite under address and undefined, one case in ten under thread
//   sanitize address | thread   one of them
//   --every N                   one case in so many
//   --short                     some minutes less: one level's kernels, a few cases and ends
//
// address: the file that Node loads has the checks; the suite at every level, workers that are terminated and processes
// that end with runs under way, and inputs that are transferred. thread: recorded runs are replayed by a program that
// links kernels and pool without Node, from several callers at once. Each must also find a fault that is planted.
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
const isShort = words.includes('--short');
const kinds = words.filter((word) => word !== '--short');
const isWanted = (name) => kinds.length === 0 || kinds.includes(name);
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const program = (name) => file(`../dist/test/${name}.js`);
const compiler = findCompiler();
if (process.platform !== 'linux' || compiler === null || compiler.family === 'zig') {
  throw new Error('sanitizers require Linux with g++ or clang++');
}

/** Runs a command. @returns its end, and its standard error. */
function ended(name, [command, ...rest], env, stderr) {
  const started = Date.now();
  const child = spawnSync(command, rest, {
    stdio: ['ignore', 'inherit', stderr],
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  const end = child.status ?? child.signal;
  console.log(`${name}: ended with ${end}, ${((Date.now() - started) / 1000).toFixed(0)} s`);
  return { end, stderr: child.stderr };
}

/** Runs a command, and ends this program if it fails. */
function check(name, command, env = {}) {
  if (ended(name, command, env, 'inherit').end !== 0) process.exit(1);
}

/** Runs a command with a fault planted, and ends this program unless the sanitizer names it. */
function checkCaught(name, fault, report, command, env = {}) {
  const { end, stderr } = ended(
    `${name}, a planted ${fault}`,
    command,
    { ...env, HEED_PLANTED: fault },
    'pipe',
  );
  if (end !== 0 && stderr.includes(report)) return;
  console.error(`${name}: a planted ${fault} was not found; expected ${report} in\n${stderr}`);
  process.exit(1);
}

/** Has the Node of a command load another native file. */
const loading = (path) => ({
  HEED_SANITIZED: path,
  NODE_OPTIONS: `--require=${file('sanitize/preload.cjs')}`,
});

if (isWanted('address')) {
  const { stdout } = spawnSync(compiler.words[0], ['-print-file-name=libasan.so'], { encoding: 'utf8' });
  const env = {
    ...loading(await addressFile(compiler, isShort)),
    LD_PRELOAD: stdout.trim(),
    // Node itself leaks memory. If there is not enough, the backend must say so.
    ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1',
    UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
  };
  const node = (...rest) => [process.execPath, '--expose-gc', ...rest];
  const suite = (step) => node(program('verify-here'), step, ...(isShort ? ['plain'] : []));
  const [workers, exits] = isShort ? ['10', 1] : ['100', 10];
  checkCaught('address', 'overflow', 'heap-buffer-overflow', suite('500'), env);
  check('address, the suite', suite(every ?? (isShort ? '100' : '1')), env);
  check(`address, ${workers} terminated workers`, node(program('ends'), 'workers', workers), env);
  for (let n = 1; n <= exits; n++) check(`address, process.exit() ${n}`, node(program('ends'), 'exit'), env);
  if (!isShort) check('address, transferred inputs', node(program('transfers')), env);
}

if (isWanted('thread')) {
  const folder = mkdtempSync(join(tmpdir(), 'heed-recording-'));
  const recording = join(folder, 'runs');
  const env = { ...loading(await recordingFile(compiler)), HEED_RECORDING: recording };
  const step = every ?? (isShort ? '100' : '10');
  check('recording', [process.execPath, program('verify-here'), step, 'plain'], env);
  const replay = await replayProgram(compiler, isShort);
  const tsan = { TSAN_OPTIONS: 'halt_on_error=1' };
  checkCaught('thread', 'race', 'data race', [replay, recording, 'plain'], tsan);
  const levels = createRequire(import.meta.url)(env.HEED_SANITIZED).levels();
  for (const { option } of isShort ? levels.slice(-1) : levels) {
    check(`thread, ${option}`, [replay, recording, option], tsan);
  }
  rmSync(folder, { recursive: true });
}
