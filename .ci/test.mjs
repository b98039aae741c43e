// Runs tasks of turbo in every package that has them, by default `test`; names what was skipped and why, and ends with
// one line that counts the tests of all tasks.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Tasks, and what vitest calls the report of each. */
const REPORTS = { test: 'test', 'test:release': 'release', 'test:whole': 'whole' };
const tasks = process.argv.length > 2 ? process.argv.slice(2) : ['test'];

const packages = [
  ...['packages', 'apps'].flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`)),
  'conformance',
  'conformance/peers',
  'conformance/testing',
  'benchmarks',
].filter((folder) => existsSync(`${folder}/package.json`));
const reports = tasks.flatMap((task) => packages.map((folder) => `${folder}/.reports/${REPORTS[task]}.json`));

for (const report of reports) rmSync(report, { force: true });
// Packages side by side, one file of tests at a time in each: the slowest files would else leave the other cores idle. One package more
// than there are processors, since many tests wait: for servers, for processes that are to hang, for npm.
const turbo = spawnSync(
  'turbo',
  ['run', ...tasks, '--continue', '--log-order=grouped', `--concurrency=${availableParallelism() + 1}`],
  { stdio: 'inherit', shell: true, env: { ...process.env, HEED_TEST_WORKERS: '1' } },
);

const tests = reports
  .filter((report) => existsSync(report))
  .flatMap((report) => JSON.parse(readFileSync(report, 'utf8')).testResults)
  .flatMap(({ assertionResults }) => assertionResults);
const withStatus = (...statuses) => tests.filter(({ status }) => statuses.includes(status));
const passed = withStatus('passed');
const failed = withStatus('failed');
const skipped = withStatus('pending', 'skipped', 'todo', 'disabled');

for (const { fullName } of failed) console.log(`failed: ${fullName}`);
for (const { fullName } of skipped) console.log(`skipped: ${fullName}`);
console.log(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exitCode = turbo.status !== 0 || failed.length > 0 || passed.length === 0 ? 1 : 0;
