// pnpm --filter @heed/examples ratings [--file RATINGS.csv] [--backend NAME] [--epochs N] [--seeds 1,2,3] [--workers N]
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { folderFault, provisioned } from '../model-files.ts';
import { type Done, type Job, readHistories } from './job.ts';
import { SETTINGS } from './settings.ts';
import { popular, reportOf } from './study.ts';

const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    backend: { type: 'string', default: 'wasm' },
    epochs: { type: 'string', default: String(SETTINGS.epochs) },
    seeds: { type: 'string', default: '1,2,3' },
    workers: { type: 'string', default: String(availableParallelism()) },
  },
});
const folder = provisioned('movielens');
const fault = values.file === undefined ? folderFault(folder, ['ratings.csv']) : null;
if (fault !== null) {
  console.error(`${fault}, or give ratings of your own: --file RATINGS.csv`);
  process.exit(2);
}
const file = values.file ?? path.join(folder, 'ratings.csv');
const histories = readHistories(file);
const seeds = values.seeds.split(',').map(Number);
const jobs = [true, false].flatMap((attends) =>
  seeds.map((seed): Job => ({ file, backend: values.backend, attends, seed, epochs: Number(values.epochs) })),
);

function train(job: Job): Promise<Done> {
  return new Promise((resolve, reject) => {
    // Young objects of a training are large; a wide nursery collects them in passing.
    const resourceLimits = { maxYoungGenerationSizeMb: 128 };
    const worker = new Worker(new URL('worker.js', import.meta.url), { workerData: job, resourceLimits });
    worker.on('message', (message: string | Done) => {
      if (typeof message === 'string') console.log(message);
      else resolve(message);
    });
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`a training ended with code ${code}`)));
  });
}

const start = performance.now();
const done: Done[] = [];
const waiting = [...jobs.entries()];
const hand = async (): Promise<void> => {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    done[next[0]] = await train(next[1]);
  }
};
await Promise.all(Array.from({ length: Number(values.workers) }, hand));
const ranksOf = (attends: boolean): readonly (readonly number[])[] =>
  done.filter((_, n) => jobs[n].attends === attends).map(({ ranks }) => ranks);

console.log();
const report = reportOf(histories, [
  { name: 'attention', ranks: ranksOf(true) },
  { name: 'the mean of the history', ranks: ranksOf(false) },
  popular(histories),
]);
console.log(report.join('\n'));
const [{ parameters, picture }] = done;
const seconds = ((performance.now() - start) / 1000).toFixed(0);
console.log(`\n${parameters} parameters each, ${values.epochs} epochs, ${seconds} s in all`);
mkdirSync('heatmaps', { recursive: true });
writeFileSync('heatmaps/ratings.svg', picture!);
console.log('heatmaps/ratings.svg');
