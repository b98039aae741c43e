/**
 * A program that injects random faults into a cluster of this machine while it computes, and compares each result with
 * the bits of an undisturbed cluster.
 *
 *   --faults N   default 200
 *   --seed N     of the faults, default 1
 */
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { TestCluster, bits, request } from './cluster.ts';
import { Stranger } from './raw.ts';

const { values } = parseArgs({
  options: { faults: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
});
let state = Number(values.seed) >>> 0;
const random = (): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

const calm = await TestCluster.start(1);
const expected = await Promise.all(Array.from({ length: 8 }, (_, seed) => bits(calm.backend, request(seed))));
await calm.end();

// Faults come faster than real losses: no task is given up because of that.
const cluster = await TestCluster.start(
  4,
  { backendOptions: { delay: 60 }, deliveries: 20 },
  { patience: 30_000 },
);
const stranger = await Stranger.on(cluster.server);

/** Each injects its fault, and repairs it. */
const FAULTS: Readonly<Record<string, () => Promise<void>>> = {
  async kill() {
    const [victim] = cluster.workers.splice(Math.floor(random() * cluster.workers.length), 1);
    await victim!.kill();
    await cluster.join();
  },
  async pause() {
    const victim = cluster.workers[Math.floor(random() * cluster.workers.length)]!;
    victim.send('SIGSTOP');
    await wait(200 + 1800 * random());
    victim.send('SIGCONT');
  },
  async restart() {
    await cluster.server.stop(random() < 0.5 ? 'SIGTERM' : 'SIGKILL');
    await wait(300 * random());
    await cluster.server.start();
  },
  async abort() {
    const controller = new AbortController();
    const run = bits(cluster.backend, request(), controller.signal).catch(() => null);
    await wait(100 * random());
    controller.abort();
    await run;
  },
  async garbage() {
    for (let group = 0; group < 32; group++) stranger.say(`heed.task.${group}`, 'garbage');
  },
};

const counts: Record<string, number> = {};
let [wrong, failed, compared] = [0, 0, 0];
const started = Date.now();
for (let n = 0; n < Number(values.faults); n++) {
  const names = Object.keys(FAULTS);
  const name = names[Math.floor(random() * names.length)]!;
  counts[name] = (counts[name] ?? 0) + 1;
  const seeds = [0, 1].map(() => Math.floor(random() * expected.length));
  const runs = seeds.map(async (seed) => {
    try {
      if ((await bits(cluster.backend, request(seed))) !== expected[seed]) wrong++;
      compared++;
    } catch (error) {
      failed++;
      process.stderr.write(`fault ${n} (${name}): ${(error as Error).message}\n`);
    }
  });
  await wait(80 * random());
  await FAULTS[name]!();
  await Promise.all(runs);
}
const retries = cluster.runs.reduce((sum, run) => sum + run.retries, 0);
const left = await stranger.stored('tasks');
await stranger.end();
await cluster.end();
const faults = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
process.stdout.write(
  `${values.faults} faults (${faults.join(', ')}) in ${Math.round((Date.now() - started) / 1000)} s: ` +
    `${compared} results compared, ${wrong} wrong, ${failed} runs failed, ${retries} deliveries again, ${left} tasks left\n`,
);
process.exit(wrong + failed > 0 ? 1 : 0);
