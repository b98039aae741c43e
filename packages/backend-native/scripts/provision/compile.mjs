import { spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { objectsOf } from './sources.mjs';

/** Compiles the sources for this machine and links them to one file, which appears when it is complete. */
export async function compile(compiler, target) {
  const workshop = mkdtempSync(join(dirname(target), '.partial-'));
  try {
    const objects = objectsOf(process.arch);
    const pending = [...objects];
    const work = async () => {
      for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
        await run(compiler, [...next.flags, '-c', next.source, '-o', join(workshop, `${next.name}.o`)]);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, work));
    const made = join(workshop, 'heed.node');
    const undefinedLater = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
    const files = objects.map(({ name }) => join(workshop, `${name}.o`));
    await run(compiler, ['-shared', '-pthread', ...undefinedLater, ...files, '-o', made]);
    renameSync(made, target);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

function run({ words: [command, ...words] }, flags) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...words, ...flags], { stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with code ${code}; its message is above`));
    });
  });
}
