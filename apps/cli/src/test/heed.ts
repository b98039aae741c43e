import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';

const MAIN = path.resolve(import.meta.dirname, '../../bin/heed.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command in a separate process, with its output piped. */
export function heed(
  words: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Ended {
  // Regardless of the colors of the test runner's terminal.
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    encoding: 'utf8',
    cwd: options.cwd,
    env: { ...env, ...options.env },
    maxBuffer: 2 ** 26,
  });
  return { code: status, stdout, stderr };
}

/** Runs a command with --json: standard output must be one line, one object. */
export function heedJSON<T>(
  words: readonly string[],
  options: { readonly cwd?: string } = {},
): { readonly code: number | null; readonly value: T } {
  const { code, stdout } = heed([...words, '--json'], options);
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  const value: unknown = JSON.parse(stdout);
  expect(value).toBeTypeOf('object');
  return { code, value: value as T };
}

/** Creates a folder with files, which is removed after the test. */
export function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'heed-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return folder;
}
