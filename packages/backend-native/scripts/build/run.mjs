import { spawn } from 'node:child_process';

/** Runs a command that shares this program's output. @throws Error if it fails. */
export function run([command, ...words], options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: ['ignore', process.stderr, process.stderr], ...options });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${code ?? signal}; its message is above`));
    });
  });
}
