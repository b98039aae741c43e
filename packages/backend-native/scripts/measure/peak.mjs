import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCompiler } from '../build/compiler.mjs';
import { startLineProcess } from '../../../../conformance/peers/dist/index.js';
import { levelFlags } from '../build/sources.mjs';
import { HERE } from '../build/targets.mjs';

/**
 * Builds the multiply-add loop of a level and starts it, once: each start of a process copies this one's page tables, and for
 * a while all that is measured here would pay a page fault for each page it writes.
 *
 * @returns a function of kind, amount and threads (peak.cc) that promises a number.
 */
export function peakOf(level) {
  const compiler = findCompiler();
  const [command, ...words] = compiler.words;
  const program = join(mkdtempSync(join(tmpdir(), 'heed-peak-')), 'peak');
  const source = fileURLToPath(new URL('peak.cc', import.meta.url));
  const flags = [...levelFlags(level, compiler, HERE), `-DHEED_${level.toUpperCase()}`];
  execFileSync(command, [...words, ...flags, '-pthread', source, '-o', program]);
  const running = startLineProcess(program, []);
  return async (kind, amount, threads = 1) => {
    running.write(`${kind} ${amount} ${threads}\n`);
    return Number(await running.readLine());
  };
}
