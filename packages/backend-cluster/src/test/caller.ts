/**
 * A program that is a caller: writes caches, decodes, and prints as JSON by how many MB its memory grew meanwhile, at
 * its peak. Its only argument is its options, as JSON.
 */
import { existsSync, readFileSync } from 'node:fs';
import { attention } from '@heed/core';
import cluster, { type ClusterOptions } from '../index.ts';
import { type Size, fill, filled, rowsFor } from './caches.ts';
import { numbers } from './cluster.ts';

export interface CallerOptions extends Size {
  readonly create: ClusterOptions;
  readonly steps: number;
}

/** MB by which the peak grew, until the caches were written and until the steps had been done. */
export interface Growth {
  readonly written: number;
  readonly decoded: number;
}

const { create, steps, ...size } = JSON.parse(process.argv[2]!) as CallerOptions;
/** Peak of the process so far, in MB. Linux has it in a file; `maxRSS` begins there with that of the parent. */
const peak = (): number => {
  const status = '/proc/self/status';
  if (!existsSync(status)) return process.resourceUsage().maxRSS / 1024;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'))![1]) / 1024;
};

const backend = await cluster.create(create);
// Code, its first use and the caller's own rows are not what grows with a context.
await attention(
  backend,
  Object.fromEntries(
    ['query', 'key', 'value'].map((name) => [name, numbers([1, size.heads, 1, size.depth])]),
  ) as never,
);
const rows = rowsFor(size);
fill(rows, 1);
const before = peak();
const { key, value } = await filled(backend, size, rows);
const written = peak();
for (let step = 0; step < steps; step++) {
  await attention(backend, { query: numbers([1, size.heads, 1, size.depth], step), key, value });
}
const growth: Growth = { written: written - before, decoded: peak() - before };
process.stdout.write(`${JSON.stringify(growth)}\n`);
await Promise.all([key, value].map((one) => one.dispose()));
await backend.dispose();
