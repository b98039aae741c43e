import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Tensor } from '@heed/core';
import { interpreterOf } from '../python/environment.ts';
import { INPUTS } from './inputs.ts';
import type { MigrationTable } from './table.ts';

const SCRIPT = fileURLToPath(new URL('../../python/side_by_side.py', import.meta.url));

/** Result of a call: its arrays, or the library's words. */
export interface Evaluated {
  readonly arrays?: readonly Pick<Tensor, 'shape' | 'data'>[];
  readonly error?: string;
}

interface Answer {
  readonly version: string;
  readonly results: readonly {
    readonly arrays?: readonly { readonly shape: readonly number[]; readonly data: readonly string[] }[];
    readonly error?: string;
  }[];
}

/** Evaluates the calls of a table in the current Python libraries; null, with Python's words, where the library is absent. */
export function evaluateThere(
  { library }: MigrationTable,
  calls: readonly string[],
): { readonly results: readonly Evaluated[] | null; readonly words: string } {
  const arrays = Object.fromEntries(
    Object.entries(INPUTS).map(([name, { shape, dtype, data }]) => [
      name,
      { shape, dtype, data: Array.from(data as Float32Array) },
    ]),
  );
  const { stdout, stderr, status } = spawnSync(interpreterOf('current'), ['-W', 'ignore', SCRIPT], {
    encoding: 'utf8',
    input: JSON.stringify({ library, arrays, calls }),
  });
  if (status !== 0) return { results: null, words: (stderr ?? '').trim().split('\n').at(-1) ?? '' };
  const { version, results } = JSON.parse(stdout) as Answer;
  const numbers = ({ arrays: all = [], error }: Answer['results'][number]): Evaluated =>
    error === undefined
      ? { arrays: all.map(({ shape, data }) => ({ shape, data: Float64Array.from(data, toNumber) })) }
      : { error };
  return { results: results.map(numbers), words: version };
}

/** Python writes `inf` and `nan`. */
const toNumber = (text: string): number =>
  text.endsWith('inf') ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text);
