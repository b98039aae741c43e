import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isRequired } from '@heed/testing';
import { describe, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../scripts/sanitize.mjs', import.meta.url));
const { findCompiler } = (await import(
  fileURLToPath(new URL('../scripts/build/compiler.mjs', import.meta.url))
)) as { findCompiler: () => { family: string } | null };
const isHere = process.platform === 'linux' && /gcc|clang/.test(findCompiler()?.family ?? '');

describe.runIf(isHere || isRequired('native'))('the short form of sanitize', () => {
  test.each(['address', 'thread'])(
    '%s: a planted fault is found, and nothing else',
    { timeout: 900_000 },
    async (kind) => {
      const { stdout } = await promisify(execFile)(process.execPath, [program, kind, '--short']);
      expect(stdout).toMatch(new RegExp(`^${kind}, a planted \\w+: ended with [1-9]`, 'm'));
      expect(stdout).toMatch(new RegExp(`^${kind}, (?:the suite|plain): ended with 0`, 'm'));
    },
  );
});
