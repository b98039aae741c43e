import { type AttentionBackend, type Availability, type BackendProvider, CONTRACT_VERSION } from '@heed/core';
import { type ClusterRules, createCluster } from './backend.ts';
import { type ClusterOptions, checkClusterOptions } from './options.ts';

/** Tensors of up to this many bytes travel with the tasks: fetching one takes as long as sending this much. */
const LOCAL_BYTES = 128 * 1024;
const SHARD_KEYS = 65_536;
const PATIENCE = 30_000;
/** Limited because a new worker fetches a part's writes one by one. */
const WRITES_KEPT = 1024;

/** Creates `@heed/backend-cluster`; tests may set other limits and default options. */
export function clusterProvider(
  rules: Partial<ClusterRules> = {},
  standard: ClusterOptions = {},
): BackendProvider<ClusterOptions> {
  const provider: BackendProvider<ClusterOptions> = {
    contract: CONTRACT_VERSION,
    name: 'cluster',
    async probe(): Promise<Availability> {
      try {
        await (await provider.create()).dispose();
        return { available: true };
      } catch (error) {
        const { message, reason, remedy } = error as Error & {
          readonly reason?: string;
          readonly remedy?: string;
        };
        // Those who report it name the backend.
        const own = (reason ?? message).replace(/^cluster: /, '');
        return { available: false, reason: own, remedy: remedy ?? 'see the reason' };
      }
    },
    async create(given: ClusterOptions = {}): Promise<AttentionBackend> {
      checkClusterOptions(given);
      const options = { ...standard, ...given };
      return createCluster(options, {
        shardKeys: options.shardKeys ?? SHARD_KEYS,
        patience: options.patience ?? PATIENCE,
        localBytes: LOCAL_BYTES,
        writesKept: WRITES_KEPT,
        ...rules,
      });
    },
  };
  return provider;
}
