import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';
import { NODE_API_DEFINITIONS, SOURCES, objectsOf } from './sources.mjs';

/** Compiles objects into a folder, as many at a time as there are processors. @returns their files. */
export async function compileObjects(compiler, objects, flags, folder) {
  const fileOf = ({ name }) => join(folder, `${name}.o`);
  const pending = [...objects];
  const work = async () => {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      await run([...compiler.words, ...next.flags, ...flags, '-c', next.source, '-o', fileOf(next)]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return objects.map(fileOf);
}

/**
 * Compiles the sources, and links them to `heed.node` in a folder, and once more to `heed.symbols.node` if the target has
 * that.
 */
export async function compile(compiler, target, folder) {
  const files = await compileObjects(compiler, objectsOf(compiler, target), [], folder);
  const words = [...files, ...(await LINKING[target.os](compiler, target, folder))];
  const link = (...more) => run([...compiler.words, '-shared', ...words, ...more]);
  await link('-s', '-o', join(folder, 'heed.node'));
  if (target.symbols) await link('-o', join(folder, 'heed.symbols.node'));
  for (const file of files) rmSync(file);
}

/** Flags to find Node-API's functions in the process that loads the file, whose name Windows has to know. */
const LINKING = {
  linux: () => ['-pthread', '-Wl,--gc-sections', `-Wl,--version-script=${join(SOURCES, 'exports.map')}`],
  darwin: () => ['-undefined', 'dynamic_lookup'],
  async win32({ words: [zig] }, { cpu }, folder) {
    const machine = { x64: 'i386:x86-64', arm64: 'arm64' }[cpu];
    const libraries = [];
    for (const [name, definitions] of Object.entries(NODE_API_DEFINITIONS)) {
      const library = join(folder, `${name}.lib`);
      await run([zig, 'dlltool', '-m', machine, '-d', definitions, '-l', library]);
      libraries.push(library);
    }
    return libraries;
  },
};
