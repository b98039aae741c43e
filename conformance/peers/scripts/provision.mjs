// Makes the virtual environments that the Python peers run in, from python/requirements-*.txt. Keeps
// existing ones with the same requirements. `provision.mjs previous` makes only that one.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { environmentFolder } from '../dist/python/environment.js';

const names = process.argv.length > 2 ? process.argv.slice(2) : ['current', 'previous'];
for (const name of names) {
  const requirements = new URL(`../python/requirements-${name}.txt`, import.meta.url);
  const wanted = readFileSync(requirements, 'utf8');
  const folder = environmentFolder(name);
  const record = `${folder}/requirements.txt`;
  if (existsSync(record) && readFileSync(record, 'utf8') === wanted) {
    console.log(`peers: ${name} is there`);
    continue;
  }
  console.log(`peers: installing ${name}: ${wanted.trim().replaceAll('\n', ', ')}`);
  rmSync(folder, { recursive: true, force: true });
  run('python3', ['-m', 'venv', folder]);
  run(`${folder}/bin/python`, [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '-r',
    requirements.pathname,
  ]);
  writeFileSync(record, wanted);
}

function run(command, words) {
  const { status, error } = spawnSync(command, words, { stdio: 'inherit' });
  if (status === 0) return;
  console.error(
    `peers: ${command} ${words.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}`,
  );
  process.exit(1);
}
