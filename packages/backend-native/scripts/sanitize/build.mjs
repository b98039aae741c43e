import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached } from '../build/cache.mjs';
import { compileObjects } from '../build/compile.mjs';
import { run } from '../build/run.mjs';
import { SOURCES, fingerprint, objectsOf } from '../build/sources.mjs';
import { HERE } from '../build/targets.mjs';

/**
 * Debug information for reports; no more than -O1, since compiling checks takes minutes: those of one level's kernels 15 s at -O0,
 * which the short form has, and more than a minute at -O1.
 */
const checked = (isShort) => ['-g1', isShort ? '-O0' : '-O1', '-fno-omit-frame-pointer'];
const UNCHECKED = ['-O0'];
const PREPARE = '_ZN4heed7prepareERNS_3JobEl';
const READ_PROBLEM = '_ZN4heed11readProblemEP10napi_env__P12napi_value__';
const wrapping = (...symbols) => symbols.map((symbol) => `-Wl,--wrap=${symbol}`);

/** Name in the cache: the sources of this folder are part of what is built. */
function nameOf(kind, compiler) {
  const own = readdirSync(new URL('.', import.meta.url)).sort();
  const texts = own.map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'));
  return `native-${kind}-${fingerprint(compiler, { ...HERE, texts })}`;
}
const objects = (compiler) => objectsOf(compiler, HERE);
/** A source of this folder, compiled as those of the binding are. */
function ownObject(compiler, name) {
  const { flags } = objects(compiler).find((object) => object.name === 'binding-problem-cc');
  return { name, source: fileURLToPath(new URL(`${name}.cc`, import.meta.url)), flags };
}

/** Sources compiled without checks, once for all files. @returns the object files. */
async function uncheckedObjects(compiler, sources) {
  const folder = await cached(nameOf('unchecked', compiler), (partial) =>
    compileObjects(compiler, objects(compiler), UNCHECKED, partial),
  );
  return sources.map(({ name }) => join(folder, `${name}.o`));
}

/**
 * Compiles sources with a sanitizer, in the short form kernels of other levels than `plain` without, which is faster; and
 * faults to plant beside them. @returns the object files.
 */
async function checkedObjects(compiler, sources, sanitizer, isShort, folder) {
  const withChecks = sources.filter(({ name }) => !isShort || !/^(?:avx|neon)/.test(name));
  const others = sources.filter((source) => !withChecks.includes(source));
  const all = [...withChecks, ownObject(compiler, 'planted')];
  return [
    ...(await compileObjects(compiler, all, [...checked(isShort), sanitizer], folder)),
    ...(others.length > 0 ? await uncheckedObjects(compiler, others) : []),
  ];
}

/** Links a file that Node loads. */
function link(compiler, files, flags, folder) {
  const words = ['-shared', '-pthread', `-Wl,--version-script=${join(SOURCES, 'exports.map')}`, ...flags];
  return run([...compiler.words, ...words, ...files, '-o', join(folder, 'heed.node')]);
}

const suffixOf = (isShort) => (isShort ? '-short' : '');

/** A native file with the checks of the address and undefined-behavior sanitizers. @returns its path. */
export async function addressFile(compiler, isShort) {
  const sanitizer = '-fsanitize=address,undefined';
  const folder = await cached(nameOf(`address${suffixOf(isShort)}`, compiler), async (partial) => {
    const sources = objects(compiler);
    const files = await checkedObjects(compiler, sources, sanitizer, isShort, partial);
    await link(compiler, files, [sanitizer, ...wrapping(PREPARE)], partial);
  });
  return join(folder, 'heed.node');
}

/** A native file that appends the runs that it is given to the file that HEED_RECORDING names. @returns its path. */
export async function recordingFile(compiler) {
  const folder = await cached(nameOf('recording', compiler), async (partial) => {
    const own = await compileObjects(compiler, [ownObject(compiler, 'record')], UNCHECKED, partial);
    const files = [...(await uncheckedObjects(compiler, objects(compiler))), ...own];
    await link(compiler, files, wrapping(READ_PROBLEM, PREPARE), partial);
  });
  return join(folder, 'heed.node');
}

/** The program that replays recorded runs, with the checks of the thread sanitizer. @returns its path. */
export async function replayProgram(compiler, isShort) {
  const sanitizer = '-fsanitize=thread';
  const folder = await cached(nameOf(`thread${suffixOf(isShort)}`, compiler), async (partial) => {
    const withoutNode = objects(compiler).filter(({ name }) => !name.startsWith('binding'));
    const sources = [...withoutNode, ownObject(compiler, 'replay')];
    const files = await checkedObjects(compiler, sources, sanitizer, isShort, partial);
    const words = ['-pthread', sanitizer, ...wrapping(PREPARE), ...files];
    await run([...compiler.words, ...words, '-o', join(partial, 'replay')]);
  });
  return join(folder, 'replay');
}
