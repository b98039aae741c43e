import { allCases, verify } from '@heed/conformance';
import { describe, expect, test } from 'vitest';
import { MACHINES } from './far/machines.ts';
import { farProvider } from './far/provider.ts';

/** Few, so that they take seconds in an emulator; `test:levels` runs more. */
const EVERY = 300;

const cases = (await allCases()).filter((_, n) => n % EVERY === 0);

for (const { name, expected, absence, command } of MACHINES) {
  const absent = absence();
  describe.runIf(absent === null)(`${name}${absent ? ` (requires ${absent})` : ''}`, () => {
    test(`chooses ${expected}, and is right`, { timeout: 300_000 }, async () => {
      const { device, clauses } = await verify(farProvider(command()), { cases });
      expect(device).toMatch(new RegExp(`^native ${expected}, `));
      expect(clauses.flatMap(({ failures }) => failures)).toEqual([]);
    });
  });
}
