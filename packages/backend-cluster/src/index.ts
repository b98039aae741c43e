import type { BackendProvider } from '@heed/core';
import type { ClusterOptions } from './options.ts';
import { clusterProvider } from './provider.ts';

export type { ClusterCredentials, ClusterOptions, ClusterTLS, ConnectionOptions } from './options.ts';
export type { RunMetrics, RunProgress } from './run/metrics.ts';

/**
 * One attention over many machines: keys and values are cut into shards, which stay with workers; queries travel; the
 * results of the workers, each with any Heed backend, are merged exactly. Messages go through NATS with JetStream.
 *
 * @throws HeedError from `create`: `UNAVAILABLE` when the server cannot be reached, refuses the credentials, or has no
 * workers; `ARGUMENT` when workers differ in backend or level; `CONTRACT_VERSION`; `UNKNOWN_OPTION`. From runs:
 * `UNAVAILABLE` when nobody answers for the time of `patience`; errors of a worker's backend on a shard.
 */
const cluster: BackendProvider<ClusterOptions> = clusterProvider();
export default cluster;
