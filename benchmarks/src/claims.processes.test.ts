/** Judging runs contestants in processes of their own, from the built package. */
import { tripleLoop, workload } from '@heed/benchmarks';
import { expect, test } from 'vitest';
import { contestantModule } from './test/contestant-modules.ts';

const { judge } = (await import(
  new URL('../dist/claims.js', import.meta.url).href
)) as typeof import('./claims.ts');
const tiny = workload({ length: 8, heads: 1 });

test('a claim of speed: both sides are measured', async () => {
  const contestant = contestantModule('slow');
  const than = { contestant: tripleLoop, workload: tiny };
  const claim = {
    kind: 'speed',
    id: 'i',
    says: 's',
    entrant: { contestant, workload: tiny },
    than,
    atLeast: 1,
  } as const;
  const { figure, held, medianMs } = await judge(claim, { rounds: 2, turnMs: 1 });
  expect(figure).toBeLessThan(0.5);
  expect(held).toBe(false);
  expect(medianMs![0]).toBeGreaterThan(39);
});

test('a claim of memory: one run is enough', async () => {
  const entrant = { contestant: tripleLoop, workload: tiny };
  const claim = { kind: 'memory', id: 'i', says: 's', entrant, below: 64 } as const;
  const { figure, held } = await judge(claim);
  expect(figure).toBeLessThan(64);
  expect(held).toBe(true);
});
