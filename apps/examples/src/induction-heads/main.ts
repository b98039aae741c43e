// pnpm --filter @heed/examples induction-heads [--model FILE] [--backend NAME] [--heads N]
import { heatmap, toSVG } from '@heed/heatmap';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createBackend } from '../backends.ts';
import { fileFault, loadText, provisionedFile } from '../text/smollm2.ts';
import { inductionScores, otherHeads, repeatedIds, secondHalf } from './induction.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: provisionedFile },
    backend: { type: 'string', default: 'wasm' },
    heads: { type: 'string', default: '10' },
  },
});
const fault = fileFault(values.model);
if (fault !== null) {
  console.error(fault);
  process.exit(2);
}
const backend = await createBackend(values.backend);
const { model, tokenizer } = await loadText(backend, values.model);
const ids = repeatedIds(model.config.vocabulary, 24, 1);
const { scores, weights } = await inductionScores(model, ids);
const chosen = scores.slice(0, Number(values.heads));
console.log('24 random tokens, twice. Heads that look at what followed the last time:\n');
for (const { layer, head, score } of chosen) {
  console.log(`  layer ${String(layer).padStart(2)}, head ${head}: ${score.toFixed(3)}`);
}
const rows: readonly (readonly [string, number])[] = [
  ['the whole model', await secondHalf(model, ids, [])],
  ['these heads off', await secondHalf(model, ids, chosen)],
  ['as many others off', await secondHalf(model, ids, otherHeads(scores, chosen))],
];
console.log('\nMean log-probability of the second half:\n');
for (const [what, value] of rows) console.log(`  ${what.padEnd(20)}${value.toFixed(2).padStart(8)}`);

const [{ layer, head }] = chosen as [(typeof chosen)[0]];
const labels = ids.map((id) => tokenizer.decode([id]));
const title = `Layer ${layer}, head ${head}`;
mkdirSync('heatmaps', { recursive: true });
writeFileSync(
  'heatmaps/induction.svg',
  toSVG(heatmap(weights[layer]!, { head, rows: labels, columns: labels, title })),
);
console.log('\nheatmaps/induction.svg');
await backend.dispose();
