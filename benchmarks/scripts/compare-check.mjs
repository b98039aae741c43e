// Checks what `heed bench --compare` flags: nothing among runs of one build, and one backend in a run in which
// that backend is 30% slower. Slow: about 15 seconds a run on a quiet machine.
//
//   node scripts/compare-check.mjs [--pairs 20] [--rounds 11] [--turn 40] [--threads 1] [--runs FOLDER] [--backend NAME]
//
// Runs that are in the folder are taken from there, and new ones kept: the check can be done in parts.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import {
  compareResults,
  contestantNamed,
  measure,
  parseResults,
  resultsOf,
  tripleLoop,
  workload,
} from '@heed/benchmarks';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '11' },
    turn: { type: 'string', default: '40' },
    threads: { type: 'string', default: '1' },
    runs: { type: 'string' },
    backend: { type: 'string', default: '@heed/backend-ts' },
  },
});
const temporary = mkdtempSync(path.join(tmpdir(), 'heed-'));
const folder = values.runs ?? temporary;
mkdirSync(folder, { recursive: true });
const backend = contestantNamed(values.backend);
const workloads = [
  workload({ length: 256, heads: 2 }),
  workload({ length: 256, heads: 2, causal: true }),
  workload({ length: 1024, queryLength: 1, causal: true, heads: 14, kvHeads: 2 }),
];
const settings = {
  rounds: Number(values.rounds),
  turnMs: Number(values.turn),
  threads: Number(values.threads),
};

/** Returns a run, kept under its name. */
async function run(name, subject) {
  const file = path.join(folder, `${name}.json`);
  if (existsSync(file)) return parseResults(readFileSync(file, 'utf8'), file);
  const contestants = [tripleLoop, subject];
  const startedAt = new Date();
  const measurement = await measure({ workloads, contestants, ...settings });
  const results = resultsOf(measurement, { startedAt, workloads, contestants, versions: {}, settings });
  writeFileSync(file, JSON.stringify(results));
  return results;
}

/** The backend, and then nothing useful for 30% of the time that it took. */
function slowed() {
  const file = path.join(temporary, 'slowed.mjs');
  const adapter = import.meta.resolve('@heed/benchmarks');
  writeFileSync(
    file,
    `import provider from '${import.meta.resolve(backend.module)}';
    import { backendContestant } from '${adapter}';
    const base = backendContestant(provider, { name: '${backend.name}' });
    export default {
      ...base,
      async prepare(...words) {
        const prepared = await base.prepare(...words);
        return {
          ...prepared,
          async run() {
            const started = performance.now();
            await prepared.run();
            const end = started + 1.3 * (performance.now() - started);
            while (performance.now() < end);
          },
        };
      },
    };`,
  );
  return { name: backend.name, module: pathToFileURL(file).href };
}

const flaggedIn = ({ rows }) => rows.filter(({ verdict }) => verdict !== null);
const changesOf = ({ rows }) => rows.map(({ change }) => change.toFixed(2)).join(' ');

const runs = [await run('run-0', backend)];
let wrongly = 0;
for (let pair = 1; pair <= Number(values.pairs); pair++) {
  runs.push(await run(`run-${pair}`, backend));
  const report = compareResults(...runs.slice(-2));
  wrongly += flaggedIn(report).length > 0 ? 1 : 0;
  console.log(
    `pair ${pair}: ${flaggedIn(report).length} of ${report.rows.length} flagged, changes ${changesOf(report)}`,
  );
}
const allPairs = runs.flatMap((old, at) => runs.slice(at + 1).map((fresh) => [old, fresh]));
/** A run without its data on waiting. */
const asItWas = (results) => ({
  ...results,
  rows: results.rows.map((row) => ({ ...row, undisturbedMs: row.roundsMs })),
});
const countFlagged = (seen) =>
  allPairs.filter((pair) => flaggedIn(compareResults(...pair.map(seen))).length > 0).length;
console.log(
  `all ${allPairs.length} pairs among them: ${countFlagged((one) => one)} flagged, ${countFlagged(asItWas)} by times as they were alone`,
);
const report = compareResults(runs.at(-1), await run('slowed', slowed()));
const found = flaggedIn(report).filter(
  ({ contestant, verdict }) => contestant === backend.name && verdict === 'slower',
);
const others = flaggedIn(report).length - found.length;
console.log(`slowed by 30%: changes ${changesOf(report)}`);
console.log(
  `${wrongly} of ${values.pairs} pairs of one build flagged; slowed by 30%: ${found.length} of ${workloads.length} rows flagged, and ${others} others`,
);
process.exitCode = wrongly === 0 && found.length === workloads.length && others === 0 ? 0 : 1;
