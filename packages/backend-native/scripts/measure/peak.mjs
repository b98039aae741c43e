import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCompiler } from '../provision/compiler.mjs';
import { levelFlags } from '../provision/sources.mjs';

/** Builds the multiply-add loop of a level. @returns a function of its words that gives a number. */
export function peakOf(level) {
  const { words } = findCompiler();
  const program = join(mkdtempSync(join(tmpdir(), 'heed-peak-')), 'peak');
  const source = fileURLToPath(new URL('peak.cc', import.meta.url));
  execFileSync(words[0], [...words.slice(1), ...levelFlags(level), '-O3', source, '-o', program]);
  return (...given) => Number(execFileSync(program, given.map(String), { encoding: 'utf8' }));
}
