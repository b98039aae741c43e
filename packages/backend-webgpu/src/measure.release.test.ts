import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { useSoftwareVulkan } from '@heed/testing';
import { expect, test } from 'vitest';
import webgpu from './index.ts';

useSoftwareVulkan();
const { available } = await webgpu.probe();
const script = fileURLToPath(new URL('../scripts/measure.mjs', import.meta.url));

test.runIf(available)('the command for a machine with a GPU measures every kind of problem', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--quick']);
  expect(stdout).toMatch(/: peak \d+\.\d GFLOP\/s in multiply-adds/);
  for (const kind of ['dense', 'causal', 'decode']) {
    for (const length of [512, 1024]) {
      expect(stdout).toMatch(new RegExp(`${kind} N=${length} H=2 D=64: .* GFLOP/s, \\d+% of the peak`));
    }
  }
});
