// pnpm --filter @heed/examples NAME [--seed N] [--backend NAME]
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createBackend } from './backends.ts';
import { holds } from './example.ts';
import { EXAMPLES } from './examples.ts';
import { reportOf } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, backend: { type: 'string', default: 'ts' } },
});
const example = EXAMPLES.find(({ name }) => name === positionals[0]);
if (example === undefined) {
  console.error(`name one of ${EXAMPLES.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
const backend = await createBackend(values.backend);
console.log(`${example.claim}\n`);
const start = performance.now();
const outcome = await example.run(backend, Number(values.seed));
console.log(reportOf(outcome, (performance.now() - start) / 1000));
mkdirSync('heatmaps', { recursive: true });
writeFileSync(`heatmaps/${example.name}.svg`, outcome.picture);
console.log(`\nheatmaps/${example.name}.svg`);
await backend.dispose();
process.exitCode = outcome.measures.every(holds) ? 0 : 1;
