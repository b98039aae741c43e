import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';
import { NODE_API_DEFINITIONS, SOURCES, objectsOf } from './sources.mjs';

/**
 * Compiles the sources and links them to `heed.node` in a folder, and once more, for tools on Linux, to
 * `heed.symbols.node`: the same code with the names of functions and of the files that they are from.
 */
export async function compile(compiler, target, folder, { flags = [] } = {}) {
  const objects = objectsOf(compiler, target);
  const pending = [...objects];
  const work = async () => {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      await run([
        ...compiler.words,
        ...next.flags,
        ...flags,
        '-c',
        next.source,
        '-o',
        join(folder, `${next.name}.o`),
      ]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  const files = objects.map(({ name }) => join(folder, `${name}.o`));
  const linking = await LINKING[target.os](compiler, target, folder);
  const link = (...words) => run([...compiler.words, '-shared', ...flags, ...files, ...linking, ...words]);
  await link('-s', '-o', join(folder, 'heed.node'));
  if (target.os === 'linux') await link('-o', join(folder, 'heed.symbols.node'));
  for (const file of files) rmSync(file);
}

/** Where Node-API's functions are found: in the process that loads the file, which Windows has to know the name of. */
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
