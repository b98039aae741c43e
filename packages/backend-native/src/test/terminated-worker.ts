/** A worker that says when a run is under way. It is terminated before that ends. */
import { parentPort } from 'node:worker_threads';
import { attention } from '@heed/core';
import native from '../index.ts';
import { longRequest } from './long-run.ts';

const backend = await native.create({ threads: 2 });
const run = attention(backend, longRequest(1024));
parentPort!.postMessage('under way');
await run;
