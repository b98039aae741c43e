/** Constants of a cluster, as `measure` finds them. */
export interface Constants {
  /** Bytes that a worker reads of its shards in a second. */
  readonly bandwidth: number;
  /** Bytes that all workers of one machine read in a second; infinite for workers on machines of their own. */
  readonly machine: number;
  /** Milliseconds from the caller to a worker and back, with nothing to compute. */
  readonly message: number;
  /** Milliseconds of the caller and the server for each further task and its answer. */
  readonly handling: number;
  /** Milliseconds to merge the answers of one shard. */
  readonly merge: number;
  /** Bytes that a worker fetches of the store in a second. */
  readonly network: number;
}

export const CONSTANT_NAMES = ['bandwidth', 'machine', 'message', 'handling', 'merge', 'network'] as const;

/** Size of a context, and how it is divided. */
export interface Division {
  readonly tokens: number;
  readonly workers: number;
  readonly shardKeys: number;
}

/** Two heads of 64, keys and values in float32. */
export const BYTES_OF_TOKEN: number = 2 * 2 * 64 * 4;

/** Milliseconds of a decoding step: shards spread evenly, a worker's one after the other, the workers side by side. */
export function stepTime(constants: Constants, { tokens, workers, shardKeys }: Division): number {
  const shards = Math.ceil(tokens / shardKeys);
  const ofWorker = Math.min(tokens, Math.ceil(shards / workers) * shardKeys);
  const own = ofWorker / constants.bandwidth;
  const together = tokens / constants.machine;
  const compute = 1000 * BYTES_OF_TOKEN * Math.max(own, together);
  return constants.message + (shards - 1) * constants.handling + shards * constants.merge + compute;
}

/** Milliseconds that a step takes longer in which a worker dies: the others fetch its shards, each its share. */
export function recoveryTime(
  { network }: Constants,
  { tokens, workers, shardKeys }: Division,
  acknowledgement: number,
): number {
  const ofDead = Math.ceil(tokens / shardKeys / workers);
  const share = Math.ceil(ofDead / Math.max(1, workers - 1));
  return acknowledgement + (1000 * share * shardKeys * BYTES_OF_TOKEN) / network;
}
