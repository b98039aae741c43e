import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { COMBINATIONS, nameOf } from './test/combinations.ts';
import type { Verdict } from './test/verdict.ts';

// The tests run on the Node that is a dependency of this package. This is the one that pnpm runs on, often an older.
const node = process.env['npm_node_execpath'] ?? process.execPath;
const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();

test.skipIf(version === process.version)(
  `the whole suite on the machine's Node, ${version}`,
  { timeout: 600_000 },
  () => {
    const program = fileURLToPath(new URL('../dist/test/verify-here.js', import.meta.url));
    const combinations = COMBINATIONS.filter(({ relaxedSimd }) => relaxedSimd === 'auto').map(nameOf);
    const { stdout, stderr } = spawnSync(node, [program, ...combinations], { encoding: 'utf8' });
    const verdicts = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Verdict);
    expect(
      verdicts.flatMap(({ failures }) => failures),
      stderr,
    ).toEqual([]);
    expect(verdicts.map(({ combination }) => combination)).toEqual(combinations);
    expect(Math.min(...verdicts.map(({ passed }) => passed))).toBeGreaterThan(1000);
  },
);
