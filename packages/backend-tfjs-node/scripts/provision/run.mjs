import { spawnSync } from 'node:child_process';
import { Obstacle } from './obstacle.mjs';

/** Runs a program and returns its output. */
export function run(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    ...options,
  });
  if (error?.code === 'ENOENT') return { status: null, output: `${program} is not installed`, missing: true };
  return { status, output: `${stdout ?? ''}${stderr ?? ''}`, missing: false };
}

/** Runs a program that must succeed. `what` names the step in the error. */
export function mustRun(what, program, args, options) {
  const { status, output } = run(program, args, options);
  if (status === 0) return;
  const lastLines = output.trim().split('\n').slice(-3).join('\n');
  throw new Obstacle(`${what} failed: ${lastLines || `${program} ended with ${status}`}`);
}
