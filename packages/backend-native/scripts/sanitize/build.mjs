import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached } from '../build/cache.mjs';
import { compile, compileObjects } from '../build/compile.mjs';
import { run } from '../build/run.mjs';
import { SOURCES, fingerprint, objectsOf } from '../build/sources.mjs';
import { HERE } from '../build/targets.mjs';

/** Debug information for reports; no more than -O1, since compiling checks takes minutes. */
const CHECKED = ['-g1', '-O1', '-fno-omit-frame-pointer'];
const UNCHECKED = ['-O1'];
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

/**
 * Compiles sources with a sanitizer, and the kernels of levels that `isChecked` leaves out without, which is faster; and
 * faults to plant beside them. @returns the object files.
 */
async function checkedObjects(compiler, sources, sanitizer, isChecked, folder) {
  const withChecks = sources.filter(({ name }) => isChecked(name));
  const others = sources.filter((source) => !withChecks.includes(source));
  return [
    ...(await compileObjects(
      compiler,
      [...withChecks, ownObject(compiler, 'planted')],
      [...CHECKED, sanitizer],
      folder,
    )),
    ...(await compileObjects(compiler, others, UNCHECKED, folder)),
  ];
}

/** Kernels of other levels than `plain` are not checked in the short form. */
const isCheckedIn = (isShort) => (name) => !isShort || !/^(?:avx|neon)/.test(name);
const suffixOf = (isShort) => (isShort ? '-short' : '');

/** A native file with the checks of the address and undefined-behavior sanitizers. @returns its path. */
export async function addressFile(compiler, isShort) {
  const sanitizer = '-fsanitize=address,undefined';
  const folder = await cached(nameOf(`address${suffixOf(isShort)}`, compiler), async (partial) => {
    const sources = objects(compiler);
    const files = await checkedObjects(compiler, sources, sanitizer, isCheckedIn(isShort), partial);
    const linking = [`-Wl,--version-script=${join(SOURCES, 'exports.map')}`, ...wrapping(PREPARE)];
    const words = ['-shared', '-pthread', sanitizer, ...linking, ...files];
    await run([...compiler.words, ...words, '-o', join(partial, 'heed.node')]);
  });
  return join(folder, 'heed.node');
}

/** A native file that appends the runs that it is given to the file that HEED_RECORDING names. @returns its path. */
export async function recordingFile(compiler) {
  const folder = await cached(nameOf('recording', compiler), (partial) =>
    compile(compiler, HERE, partial, {
      flags: UNCHECKED,
      others: [ownObject(compiler, 'record')],
      linking: wrapping(READ_PROBLEM, PREPARE),
    }),
  );
  return join(folder, 'heed.node');
}

/** The program that replays recorded runs, with the checks of the thread sanitizer. @returns its path. */
export async function replayProgram(compiler, isShort) {
  const sanitizer = '-fsanitize=thread';
  const folder = await cached(nameOf(`thread${suffixOf(isShort)}`, compiler), async (partial) => {
    const withoutNode = objects(compiler).filter(({ name }) => !name.startsWith('binding'));
    const sources = [...withoutNode, ownObject(compiler, 'replay')];
    const files = await checkedObjects(compiler, sources, sanitizer, isCheckedIn(isShort), partial);
    const words = ['-pthread', sanitizer, ...wrapping(PREPARE), ...files];
    await run([...compiler.words, ...words, '-o', join(partial, 'replay')]);
  });
  return join(folder, 'replay');
}
