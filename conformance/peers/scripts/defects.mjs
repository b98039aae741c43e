// Runs every script in defects, in each environment that is provisioned, and reports which defects are still there. A
// script exits with 1 while its defect is there and with 0 once it is gone; anything else could not be run.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { interpreterOf } from '../dist/python/environment.js';

const root = fileURLToPath(new URL('../defects', import.meta.url));
const pythons = ['current', 'previous']
  .map(interpreterOf)
  .filter((python) => python === 'python3' || existsSync(python));
const counts = { present: 0, gone: 0, absent: 0 };
for (const name of readdirSync(root).sort()) {
  const python = `${root}/${name}/reproduce.py`;
  const runs = existsSync(python)
    ? pythons.map((interpreter) => [interpreter, ['-W', 'ignore', python]])
    : [[process.execPath, [`${root}/${name}/reproduce.mjs`]]];
  for (const [command, words] of runs) {
    const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' });
    const lastWords = (stdout || stderr || '').trim().split('\n').at(-1).slice(0, 160);
    const isAbsent = /ModuleNotFoundError|ERR_MODULE_NOT_FOUND/.test(stderr);
    const state = isAbsent || ![0, 1].includes(status) ? 'absent' : status === 1 ? 'present' : 'gone';
    counts[state]++;
    console.log(`${state.padEnd(8)}${name}: ${lastWords}`);
  }
}
console.log(`${counts.present} present, ${counts.gone} gone, ${counts.absent} not to be run here`);
