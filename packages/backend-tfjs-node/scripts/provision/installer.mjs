import { cpSync, renameSync, rmSync } from 'node:fs';
import { basename, delimiter, join, resolve } from 'node:path';
import { loadFault } from './load.mjs';
import { Obstacle } from './obstacle.mjs';
import { run } from './run.mjs';

const LEFT_OUT = new Set(['node_modules', 'lib', 'deps']);
const MINUTES = 10;

/** Runs the package's own installer in a copy: it writes into its package, and leaves half a library when it fails. */
export async function runInstaller({ folder }, made, say) {
  say("trying the package's own installer");
  const copy = join(made, 'copy');
  cpSync(folder, copy, {
    recursive: true,
    filter: (path) => path === folder || !LEFT_OUT.has(basename(path)),
  });
  try {
    const siblings = resolve(folder, '..', '..');
    const modules = [join(folder, 'node_modules'), siblings];
    const programs = modules.map((place) => join(place, '.bin'));
    const { status, output } = run(process.execPath, ['scripts/install.js'], {
      cwd: copy,
      timeout: MINUTES * 60_000,
      env: {
        ...process.env,
        NODE_PATH: modules.join(delimiter),
        PATH: [...programs, process.env.PATH].join(delimiter),
      },
    });
    const fault = status === 0 ? loadFault(copy) : reasonIn(output);
    if (fault !== null) throw new Obstacle(`the package's own installer failed: ${fault}`);
    for (const name of ['lib', 'deps']) renameSync(join(copy, name), join(made, name));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function reasonIn(output) {
  return (
    output
      .split('\n')
      .find((line) => /Error: /.test(line))
      ?.trim() ?? `it took more than ${MINUTES} minutes`
  );
}
