import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, test } from 'vitest';
import native from './index.ts';

const { available } = await native.probe();
const program = fileURLToPath(new URL('../dist/test/ends.js', import.meta.url));
const ends = (...words: string[]): Promise<unknown> =>
  promisify(execFile)(process.execPath, ['--expose-gc', program, ...words]);

describe.runIf(available)('the end, with runs under way', () => {
  test('process.exit(), 100 times', { timeout: 300_000 }, async () => {
    for (let n = 0; n < 100; n += 10) await Promise.all(Array.from({ length: 10 }, () => ends('exit')));
  });

  test('worker.terminate(), 100 times', { timeout: 300_000 }, async () => {
    await ends('workers', '100');
  });
});
