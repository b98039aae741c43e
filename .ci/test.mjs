// Runs every package's tests, names what was skipped and why, and ends with one line that counts them all.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';

const packages = [
  ...['packages', 'apps'].flatMap((folder) => readdirSync(folder).map((name) => `${folder}/${name}`)),
  'conformance',
  'conformance/peers',
  'benchmarks',
].filter((folder) => existsSync(`${folder}/package.json`));
const reportOf = (folder) => `${folder}/.reports/vitest.json`;

for (const folder of packages) rmSync(reportOf(folder), { force: true });
const turbo = spawnSync('turbo', ['run', 'test', '--continue', '--concurrency=1'], {
  stdio: 'inherit',
  shell: true,
});

const tests = packages
  .filter((folder) => existsSync(reportOf(folder)))
  .flatMap((folder) => JSON.parse(readFileSync(reportOf(folder), 'utf8')).testResults)
  .flatMap(({ assertionResults }) => assertionResults);
const withStatus = (...statuses) => tests.filter(({ status }) => statuses.includes(status));
const passed = withStatus('passed');
const failed = withStatus('failed');
const skipped = withStatus('pending', 'skipped', 'todo', 'disabled');

for (const { fullName } of failed) console.log(`failed: ${fullName}`);
for (const { fullName } of skipped) console.log(`skipped: ${fullName}`);
console.log(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exitCode = turbo.status !== 0 || failed.length > 0 || passed.length === 0 ? 1 : 0;
