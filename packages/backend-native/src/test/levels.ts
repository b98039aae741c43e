/**
 * A program that runs the published files on other processors, in emulators. Each chooses its level by itself, and
 * computes inputs from a pipe; this process judges the results.
 *
 *   levels               one case in ten on each; neon in all
 *   levels --every 50    one case in so many
 *   levels Nehalem       only some: Nehalem, Haswell, arm64
 */
import { allCases, verify } from '@heed/conformance';
import { type Machine, MACHINES } from './far/machines.ts';
import { farProvider } from './far/provider.ts';

const words = process.argv.slice(2);
const at = words.indexOf('--every');
const every = at < 0 ? undefined : Number(words.splice(at, 2)[1]);
const cases = await allCases();

async function judge({ name, expected, every: usual, absence, command }: Machine): Promise<boolean> {
  const absent = absence();
  if (absent !== null) {
    say(`${name} | absent: ${absent}`);
    return false;
  }
  const step = every ?? usual;
  const some = cases.filter((_, n) => n % step === 0);
  const { device, passed, clauses } = await verify(farProvider(command()), { cases: some });
  const failures = clauses.flatMap((clause) => clause.failures);
  say(`${name} | ${device} | ${passed} passed, ${failures.length} failed`);
  for (const failure of failures) say(`  ${JSON.stringify(failure)}`);
  const isExpected = device.startsWith(`native ${expected},`);
  if (!isExpected) say(`  its level is not ${expected}`);
  return isExpected && failures.length === 0;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

let isRight = true;
for (const machine of MACHINES) {
  if (words.length > 0 && !words.includes(machine.name)) continue;
  isRight = (await judge(machine)) && isRight;
}
if (isRight) say('all passed');
process.exit(isRight ? 0 : 1);
