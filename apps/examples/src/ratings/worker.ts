import { parentPort, workerData } from 'node:worker_threads';
import { type Job, work } from './job.ts';

const done = await work(workerData as Job, (line) => parentPort!.postMessage(line));
parentPort!.postMessage(done);
