/**
 * A program: the suite at every level of this machine, with 1 and 2 threads; a line of JSON for each.
 * `verify-here EVERY LEVEL` runs one case in so many, with one thread of one level.
 */
import { allCases, verify } from '@heed/conformance';
import { withOptions } from '@heed/core';
import native from '../index.ts';
import type { NativeOptions } from '../options.ts';
import { loadBinding } from '../platform/load.ts';

const loaded = loadBinding();
if ('reason' in loaded) throw new Error(`${loaded.reason}; ${loaded.remedy}`);
const [, , every = '1', level] = process.argv;
const cases = (await allCases()).filter((_, n) => n % Number(every) === 0);
for (const { option } of loaded.binding.levels()) {
  if (level !== undefined && option !== level) continue;
  for (const threads of level === undefined ? [1, 2] : [1]) {
    const options = { level: option, threads } as NativeOptions;
    const { device, passed, clauses } = await verify(withOptions(native, options), { cases });
    const failures = clauses.flatMap((clause) => clause.failures);
    process.stdout.write(`${JSON.stringify({ device, passed, failures })}\n`);
  }
}
