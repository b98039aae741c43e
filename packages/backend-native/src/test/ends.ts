/** Programs that end with runs under way: `ends exit`, or `ends workers COUNT`, which terminates so many workers. */
import { Worker } from 'node:worker_threads';
import { attention } from '@heed/core';
import native from '../index.ts';
import { longRequest, queueRuns } from './long-run.ts';

const [, , way, count] = process.argv;
const backend = await native.create({ threads: 2 });
await queueRuns(backend);
const run = attention(backend, longRequest(1024));
if (way === 'exit') setImmediate(() => process.exit(0));
for (let n = 0; n < Number(count ?? 0); n++) {
  const worker = new Worker(new URL('terminated-worker.js', import.meta.url));
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
}
await run;
