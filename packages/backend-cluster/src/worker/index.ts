export type { ClusterCredentials, ClusterTLS, ConnectionOptions } from '../options.ts';
export type { WorkerOptions } from './options.ts';
export { type ClusterWorker, startWorker } from './worker.ts';
