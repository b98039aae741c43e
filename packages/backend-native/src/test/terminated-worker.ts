/** A worker that says when runs are under way. It is terminated before they end. */
import { parentPort } from 'node:worker_threads';
import { attention } from '@heed/core';
import native from '../index.ts';
import { longRequest, queueRuns } from './long-run.ts';

const backend = await native.create({ threads: 2 });
await queueRuns(backend);
const run = attention(backend, longRequest(1024));
parentPort!.postMessage('under way');
await run;
