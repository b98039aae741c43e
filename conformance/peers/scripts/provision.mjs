// Makes what the peers that are not npm packages run in: the virtual environments of python/requirements-*.txt, and
// ggml of llama.cpp. Keeps what was made from the same requirements. `provision.mjs previous` makes only that one.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { environmentFolder } from '../dist/python/environment.js';
import { provisionLlamaCpp } from './provision-llama-cpp.mjs';
import { run } from './run.mjs';

const names = process.argv.length > 2 ? process.argv.slice(2) : ['current', 'previous', 'llama-cpp'];
for (const name of names) {
  if (name === 'llama-cpp') provisionLlamaCpp();
  else provisionPython(name);
}

function provisionPython(name) {
  const requirements = new URL(`../python/requirements-${name}.txt`, import.meta.url);
  const wanted = readFileSync(requirements, 'utf8');
  const folder = environmentFolder(name);
  const record = `${folder}/requirements.txt`;
  if (existsSync(record) && readFileSync(record, 'utf8') === wanted) {
    console.log(`peers: ${name} is there`);
    return;
  }
  console.log(`peers: installing ${name}: ${wanted.trim().replaceAll('\n', ', ')}`);
  rmSync(folder, { recursive: true, force: true });
  run('python3', ['-m', 'venv', folder]);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r'];
  run(`${folder}/bin/python`, [...install, requirements.pathname]);
  writeFileSync(record, wanted);
}
