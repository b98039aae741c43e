import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type AttentionBackend,
  type AttentionInputs,
  type AttentionProblem,
  type Capabilities,
  type GradientInputs,
  HeedError,
  type RunOptions,
  checkContract,
} from '@heed/core';
import { type KernelDefinition, defineBackend } from '@heed/core/backend';
import type { ClusterTensor } from './memory/cluster-tensor.ts';
import { ClusterMemory } from './memory/memory.ts';
import { type ClusterOptions, namespaceOf, serversOf } from './options.ts';
import { partsOf } from './plan/parts.ts';
import { Coordinator } from './run/coordinator.ts';
import { signed } from './run/janitor.ts';
import { ClusterKernel } from './run/kernel.ts';
import { Watch, kindsOf } from './run/presence.ts';
import { PROTOCOL, type Presence, kindOf, levelOf } from './run/protocol.ts';
import { unavailable } from './transport/connect.ts';
import { NatsTransport } from './transport/nats.ts';

/** Limits of a cluster. */
export interface ClusterRules {
  readonly shardKeys: number;
  readonly patience: number;
  readonly localBytes: number;
  readonly writesKept: number;
  /** Time between signs of life for the store, in milliseconds. */
  readonly signs?: number;
}

/** Time for workers to announce themselves, in milliseconds, and for the first of them on a busy machine. */
const INTRODUCTION = 400;
const FIRST_INTRODUCTION = 3000;

/** Time in which the store is cleaned at the end, in milliseconds; workers do what is left. */
const BURIAL = 2000;

/** @throws HeedError `UNAVAILABLE`, `ARGUMENT` or `CONTRACT_VERSION`. */
export async function createCluster(options: ClusterOptions, rules: ClusterRules): Promise<AttentionBackend> {
  const id = `c${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  const transport = await NatsTransport.open(options, { name: id, patience: rules.patience });
  let coordinator: Coordinator | null = null;
  const watch = new Watch(transport, (presence) => coordinator?.heard(presence));
  try {
    await introduced(watch, Math.min(FIRST_INTRODUCTION, rules.patience));
    const workers = watch.alive();
    const first = agreed(workers, options);
    coordinator = new Coordinator(id, kindOf(first), transport, watch, rules.patience);
    const endSigns = await signed(transport, id, rules.signs);
    return defineCluster({
      endSigns,
      id,
      options,
      rules,
      transport,
      watch,
      coordinator,
      first,
      count: workers.length,
    });
  } catch (error) {
    watch.end();
    await transport.close();
    throw error;
  }
}

/** Asks workers to show themselves, until there are some or the time has passed. */
async function introduced(watch: Watch, patience: number): Promise<void> {
  for (let waited = 0; ; waited += INTRODUCTION) {
    watch.call();
    await wait(INTRODUCTION);
    if (watch.alive().length > 0 || waited + INTRODUCTION >= patience) return;
  }
}

/**
 * Returns the presence that all workers have in common.
 *
 * @throws HeedError when there are none, or they do not agree.
 */
function agreed(workers: readonly Presence[], options: ClusterOptions): Presence {
  const [first] = workers;
  if (first === undefined) {
    throw unavailable(
      `no workers in namespace ${namespaceOf(options)} of ${serversOf(options).join(', ')}`,
      'start some: heed worker --backend native',
    );
  }
  for (const { contract, protocol, worker } of workers) {
    checkContract({ contract, name: `cluster: ${worker}` });
    if (protocol === PROTOCOL) continue;
    throw new HeedError(
      'CONTRACT_VERSION',
      `cluster: ${worker} speaks protocol ${protocol}; expected ${PROTOCOL}`,
      {
        remedy: 'install the same version of @heed/backend-cluster everywhere',
      },
    );
  }
  const kinds = kindsOf(workers);
  if (kinds.size === 1) return first;
  const who = [...kinds].map(([kind, { worker }]) => `${worker} is ${kind}`).join('; ');
  const remedy = 'end those of one kind, or use a namespace for each';
  throw new HeedError('ARGUMENT', `cluster: the workers differ, and so would their bits: ${who}; ${remedy}`, {
    remedy,
  });
}

/** Keys in pages have the bits of keys in a row, which is cut into shards; where pages lie says nothing of shards. */
function withoutPages(capabilities: Capabilities): Capabilities {
  const { features } = capabilities;
  return { ...capabilities, features: features.filter((feature) => feature !== 'pages') };
}

interface Cluster {
  readonly endSigns: () => void;
  readonly id: string;
  readonly options: ClusterOptions;
  readonly rules: ClusterRules;
  readonly transport: NatsTransport;
  readonly watch: Watch;
  readonly coordinator: Coordinator;
  readonly first: Presence;
  readonly count: number;
}

function defineCluster(cluster: Cluster): AttentionBackend {
  const { endSigns, id, rules, transport, watch, coordinator, first, count } = cluster;
  const memory = new ClusterMemory(transport, id, { ...rules, partLength: rules.shardKeys });
  const who = `${count} ${count === 1 ? 'worker' : 'workers'}`;
  return defineBackend<ClusterTensor>({
    name: 'cluster',
    device: `cluster of ${who} (${first.backend}: ${levelOf(first.device)}) on ${transport.engine}, shards of ${rules.shardKeys} keys`,
    capabilities: withoutPages(first.capabilities),
    memory,
    compile: (problem) => compile(cluster, memory, problem),
    async dispose() {
      await coordinator.end();
      await memory.settled();
      watch.end();
      endSigns();
      const buried = transport.bury(id).catch(() => undefined);
      await Promise.race([buried, wait(BURIAL, undefined, { ref: false })]);
      await transport.close();
    },
  });
}

function compile(
  { rules, first, coordinator, options }: Cluster,
  memory: ClusterMemory,
  problem: AttentionProblem,
): KernelDefinition<ClusterTensor> {
  const parts = partsOf(problem, rules.shardKeys, first);
  const kernel = new ClusterKernel(problem, parts, { coordinator, memory, options });
  return {
    plan: {
      algorithm:
        parts.length === 1 ? 'as a whole on one worker' : `${parts.length} shards of the keys, merged`,
      tile: { query: problem.queryLength, key: parts[0]!.end },
      scratchBytes: kernel.scratchBytes,
      get lastRun() {
        return kernel.lastRun;
      },
    },
    run: (inputs, run) => kernel.run(inputs, run),
    ...(problem.gradient && {
      gradient: (
        inputs: AttentionInputs<ClusterTensor>,
        forward: GradientInputs<ClusterTensor>,
        run: RunOptions,
      ) => kernel.gradient(inputs, forward, run),
    }),
  };
}
