// pnpm --filter @heed/examples sweep: every claim over five seeds.
import ts from '@heed/backend-ts';
import { type Measure, holds } from './example.ts';
import { EXAMPLES } from './examples.ts';

const SEEDS = [1, 2, 3, 4, 5];
const backend = await ts.create();
for (const { name, claim, run } of EXAMPLES) {
  console.log(`${name}: ${claim}`);
  const outcomes: (readonly Measure[])[] = [];
  for (const seed of SEEDS) outcomes.push((await run(backend, seed)).measures);
  outcomes[0].forEach(({ what }, n) => {
    const values = outcomes.map((measures) => measures[n].value);
    const kept = outcomes.every((measures) => holds(measures[n]));
    console.log(`  ${kept ? '✓' : '✗'} ${values.map((value) => value.toFixed(3)).join('  ')}  ${what}`);
    if (!kept) process.exitCode = 1;
  });
}
await backend.dispose();
