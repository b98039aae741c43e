import { spawnSync } from 'node:child_process';

/** Runs a command; its end is that of the script if it fails. */
export function run(command, words) {
  const { status, error } = spawnSync(command, words, { stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  console.error(
    `peers: ${command} ${words.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}`,
  );
  process.exit(1);
}
