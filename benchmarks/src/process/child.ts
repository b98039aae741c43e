/** The process of one contestant on one workload: `node --expose-gc child.js`, spoken to over IPC. */
import { setTimeout } from 'node:timers/promises';
import { HeedError } from '@heed/core';
import { textOf } from '@heed/core/backend';
import { Bench } from 'tinybench';
import type { Contestant, PreparedContestant, Settings } from '../contestant.ts';
import { machineFacts } from '../machine.ts';
import { peakLoop } from '../peak/peak-loop.ts';
import { type WorkloadRequest, requestOf } from '../workload/request.ts';
import type { Workload } from '../workload/workload.ts';
import type { Entered, Message, PeakEntered, Refusal, Reply, Request, TurnTaken } from './protocol.ts';
import { peakBytes, residentBytes, resetPeak } from './resident-set.ts';
import { loadContestant } from './source.ts';
import { waitedMs } from './waiting.ts';

/** Queries and keys of the workload that loads and compiles code before memory is measured. */
const WARM_UP_LENGTH = 256;
const WARM_UP_RUNS = 3;

/** Takes a turn, once this process has entered. */
let turnOf: ((milliseconds: number) => Promise<readonly number[]>) | null = null;
/** The process that computes, which may be another one. */
let computing = process.pid;

const send = (message: Message): void => {
  process.send!(message);
};
const at = (stage: string): void => send({ stage });

process.on('message', (request: Request) => {
  void perform(request)
    .catch((error: unknown) => refusalOf(error))
    .then((reply) => send({ reply }));
});
// The parent is gone: threads and timers must not linger.
process.once('disconnect', () => process.exit());

async function perform(request: Request): Promise<Reply> {
  switch (request.kind) {
    case 'enter':
      return enter(request);
    case 'enter peak':
      return enterPeak();
    case 'turn':
      return takeTurn(request.milliseconds);
  }
}

async function takeTurn(milliseconds: number): Promise<TurnTaken> {
  const [started, waited] = [performance.now(), waitedMs(computing)];
  const samplesMs = await turnOf!(milliseconds);
  const waitedShare = (waitedMs(computing) - waited) / (performance.now() - started);
  return { status: 'turn taken', samplesMs, waitedShare: Math.min(1, Math.max(0, waitedShare)) };
}

async function enter({ source, workload, threads }: Extract<Request, { kind: 'enter' }>): Promise<Reply> {
  at('loading');
  const loaded = await load(source);
  if ('status' in loaded) return loaded;
  at('warming up');
  await warmUp(loaded, workload, { threads });
  at('making the inputs');
  const request = await requestOf(workload);
  const inputBytes = bytesOf(request);
  const elsewhere = loaded.processId?.();
  computing = elsewhere ?? process.pid;
  await settle();
  // This process has the inputs already; another one does not have them yet.
  const before = residentBytes(computing) + (elsewhere === undefined ? 0 : inputBytes);
  resetPeak(computing);

  at('preparing');
  const prepared = await loaded.prepare(workload, request, { threads });
  at('running for the first time');
  const started = performance.now();
  await prepared.run();
  const firstRunMs = performance.now() - started;
  const peak = peakBytes(computing);
  at('giving its results');
  const results = await prepared.results();
  turnOf = (milliseconds) => prepared.turn?.(milliseconds) ?? timed(prepared, milliseconds);

  const outputBytes = Object.values(results).reduce((sum, { data }) => sum + data.byteLength, 0);
  const growthBytes = peak - before - outputBytes;
  const memory = { peakBytes: peak, growthBytes, inputBytes, outputBytes };
  const { device, threads: own } = prepared;
  return { status: 'entered', device, threads: own, results, firstRunMs, memory } satisfies Entered;
}

async function load(source: Extract<Request, { kind: 'enter' }>['source']): Promise<Contestant | Refusal> {
  let contestant: Contestant;
  try {
    contestant = await loadContestant(source);
  } catch (error) {
    const [reason] = textOf(error instanceof Error ? error.message : error).split('\n');
    const remedy =
      source.module.includes('/') && source.module.startsWith('file:')
        ? undefined
        : `npm install ${source.module}`;
    return {
      ...NOWHERE,
      status: 'unavailable',
      reason: `${source.name} cannot be imported: ${reason}`,
      ...(remedy && { remedy }),
    };
  }
  const availability = await contestant.probe();
  if (availability.available) return contestant;
  const { reason, remedy } = availability;
  return { ...NOWHERE, status: 'unavailable', reason, remedy };
}

const NOWHERE = { device: null, threads: null } as const;

async function warmUp(contestant: Contestant, workload: Workload, settings: Settings): Promise<void> {
  const small: Workload = {
    ...workload,
    source: 'normal',
    queryLength: Math.min(workload.queryLength, WARM_UP_LENGTH),
    keyLength: Math.min(workload.keyLength, WARM_UP_LENGTH),
  };
  const prepared = await contestant.prepare(small, await requestOf(small), settings);
  for (let run = 0; run < WARM_UP_RUNS; run++) await prepared.run();
  await prepared.dispose();
}

/** Lets garbage go, and the allocator give its pages back. */
async function settle(): Promise<void> {
  globalThis.gc!();
  await setTimeout(50);
  globalThis.gc!();
}

function bytesOf({ query, key, value, mask }: WorkloadRequest): number {
  return [query, key, value, mask].reduce((sum, input) => sum + (input?.data.byteLength ?? 0), 0);
}

async function timed(prepared: PreparedContestant, milliseconds: number): Promise<readonly number[]> {
  return samplesOf(() => prepared.run(), milliseconds);
}

/** Times runs for about so many milliseconds, at least one. */
async function samplesOf(run: () => Promise<void>, milliseconds: number): Promise<readonly number[]> {
  const bench = new Bench({
    time: milliseconds,
    iterations: 1,
    warmup: false,
    retainSamples: true,
    throws: true,
  });
  bench.add('turn', run, { async: true });
  const [task] = await bench.run();
  if (task?.result.state !== 'completed') throw new Error(`tinybench ended in state ${task?.result.state}`);
  return task.result.latency.samples!;
}

async function enterPeak(): Promise<PeakEntered> {
  at('compiling the peak loop');
  const { device, flopsPerRun, run } = await peakLoop();
  turnOf = (milliseconds) => samplesOf(async () => run(), milliseconds);
  return { status: 'peak entered', device, flopsPerRun, machine: machineFacts() };
}

/** Turns an error into the refusal of the contestant that threw it. */
function refusalOf(error: unknown): Refusal {
  if (!HeedError.isInstance(error)) return { ...NOWHERE, status: 'failed', reason: lineOf(error) };
  const { code, reason, remedy } = error;
  const status = code === 'UNSUPPORTED' ? 'unsupported' : code === 'UNAVAILABLE' ? 'unavailable' : 'failed';
  return { ...NOWHERE, status, reason, ...(remedy !== undefined && { remedy }) };
}

/** An error in one line. */
function lineOf(error: unknown): string {
  return textOf(error).replaceAll(/\s+/g, ' ').slice(0, 300);
}
