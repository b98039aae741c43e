import { type ConformanceCase, allCases } from '@heed/conformance';
import { type Part, placesInClauses, suiteInWays } from '@heed/testing';
import { afterAll } from 'vitest';
import type { ClusterRules } from '../backend.ts';
import { clusterProvider } from '../provider.ts';
import { TestServer, hasServer } from './server.ts';
import { WorkerProcess } from './workers.ts';

/** Ways of dividing: shards of 16 keys, tensors with the tasks or all of them stored; and shards that take a case whole. */
const WAYS: readonly {
  readonly name: string;
  readonly shardKeys: number;
  readonly rules: Partial<ClusterRules>;
}[] = [
  { name: 'shards of 16 keys', shardKeys: 16, rules: {} },
  { name: 'all tensors stored', shardKeys: 16, rules: { localBytes: 0, writesKept: 3 } },
  { name: 'shards of 4096 keys', shardKeys: 4096, rules: {} },
];
/** One case of a clause in this many is in `test`; of the others, one in four is in `release`. */
const QUICK = 25;

/** Keys of these take thousands of shards of 16. */
const isLong = ({ id }: ConformanceCase): boolean => /of-(4096|65536)|thousands|many-keys/.test(id);

const cases = await allCases();
const places = placesInClauses(cases);

function partOf(place: number): Part {
  if (place % QUICK === 0) return 'test';
  return place % 4 === 1 ? 'release' : 'whole';
}

/** Returns the way in which a case is tested: one way for each case, so that the suite runs once. */
function wayOf(theCase: ConformanceCase, n: number): number {
  return isLong(theCase) ? 2 : n % 4 === 0 ? 1 : 0;
}

/** A server and three workers of this machine; where there is no server, an address that nobody listens on. */
async function start(): Promise<string> {
  if (!hasServer()) return 'nats://127.0.0.1:1';
  const server = await TestServer.start();
  const backend = import.meta.resolve('@heed/backend-ts');
  const workers = await WorkerProcess.many(3, { servers: server.url, backend });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.end()));
    await server.end();
  });
  return server.url;
}

/** Defines the tests of a part of the suite. */
export async function suite(part: Part): Promise<void> {
  const servers = await start();
  await suiteInWays(
    WAYS.map(({ name, shardKeys, rules }, way) => ({
      name,
      provider: clusterProvider(rules, { servers, shardKeys }),
      cases: cases.filter((theCase, n) => wayOf(theCase, n) === way && partOf(places.get(theCase)!) === part),
    })),
  );
}
