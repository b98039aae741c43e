import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCompiler } from '../build/compiler.mjs';
import { levelFlags } from '../build/sources.mjs';
import { HERE } from '../build/targets.mjs';

/** Builds the multiply-add loop of a level. @returns a function of its words that gives a number. */
export function peakOf(level) {
  const compiler = findCompiler();
  const [command, ...words] = compiler.words;
  const program = join(mkdtempSync(join(tmpdir(), 'heed-peak-')), 'peak');
  const source = fileURLToPath(new URL('peak.cc', import.meta.url));
  const flags = [...levelFlags(level, compiler, HERE), `-DHEED_${level.toUpperCase()}`];
  execFileSync(command, [...words, ...flags, '-pthread', source, '-o', program]);
  return (...given) => Number(execFileSync(program, given.map(String), { encoding: 'utf8' }));
}
