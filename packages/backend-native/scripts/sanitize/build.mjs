import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached } from '../build/cache.mjs';
import { compile, compileObjects } from '../build/compile.mjs';
import { run } from '../build/run.mjs';
import { fingerprint, objectsOf } from '../build/sources.mjs';
import { HERE } from '../build/targets.mjs';

/** Reports say where; no more than -O1, since compiling checks takes minutes. */
const CHECKED = ['-g1', '-O1', '-fno-omit-frame-pointer'];

const nameOf = (kind, compiler) => `native-${kind}-${fingerprint(compiler, HERE)}`;
const objects = (compiler) => objectsOf(compiler, HERE);
/** A source of this folder, compiled as those of the binding are. */
function ownObject(compiler, name) {
  const { flags } = objects(compiler).find((object) => object.name === 'binding-problem-cc');
  return { name, source: fileURLToPath(new URL(`${name}.cc`, import.meta.url)), flags };
}

/** A native file with the checks of the address and undefined-behavior sanitizers. @returns its path. */
export async function addressFile(compiler) {
  const flags = [...CHECKED, '-fsanitize=address,undefined'];
  const folder = await cached(nameOf('address', compiler), (partial) =>
    compile(compiler, HERE, partial, { flags }),
  );
  return join(folder, 'heed.node');
}

/** A native file that appends the runs that it is given to the file that HEED_RECORDING names. @returns its path. */
export async function recordingFile(compiler) {
  const wrapped = ['_ZN4heed11readProblemEP10napi_env__P12napi_value__', '_ZN4heed7prepareERNS_3JobEl'];
  const folder = await cached(nameOf('recording', compiler), (partial) =>
    compile(compiler, HERE, partial, {
      flags: ['-O1'],
      others: [ownObject(compiler, 'record')],
      linking: wrapped.map((symbol) => `-Wl,--wrap=${symbol}`),
    }),
  );
  return join(folder, 'heed.node');
}

/** The program that replays recorded runs, with the checks of the thread sanitizer. @returns its path. */
export async function replayProgram(compiler) {
  const flags = [...CHECKED, '-fsanitize=thread'];
  const folder = await cached(nameOf('thread', compiler), async (partial) => {
    const withoutNode = objects(compiler).filter(({ name }) => !name.startsWith('binding'));
    const all = [...withoutNode, ownObject(compiler, 'replay')];
    const files = await compileObjects(compiler, all, flags, partial);
    await run([...compiler.words, ...flags, '-pthread', ...files, '-o', join(partial, 'replay')]);
  });
  return join(folder, 'replay');
}
