import { spawn } from 'node:child_process';

/** Runs a command, whose messages go to this one's. @throws Error when it fails. */
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
