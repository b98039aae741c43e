/** The process in which {@link memoryOf} measures: `node --expose-gc memory-child.js CONTESTANT WORKLOAD`. */
import { setTimeout } from 'node:timers/promises';
import type { Contestant } from './contestant.ts';
import { contestantNamed } from './contestants/by-name.ts';
import { absenceOf, refusalOf } from './entry.ts';
import { exerciseOf, faultOf } from './exercise.ts';
import type { MemoryReport } from './memory.ts';
import { type Workload, requestOf } from './workload.ts';

const WARM_UP_LENGTH = 256;

async function report(contestant: Contestant, workload: Workload): Promise<MemoryReport> {
  try {
    const absent = await absenceOf(contestant);
    if (absent !== null) return absent;
    await warmUp(contestant, workload);
    return await measureRun(contestant, workload);
  } catch (error) {
    return refusalOf(error);
  }
}

async function warmUp(contestant: Contestant, workload: Workload): Promise<void> {
  const small = {
    ...workload,
    queryLength: Math.min(workload.queryLength, WARM_UP_LENGTH),
    keyLength: Math.min(workload.keyLength, WARM_UP_LENGTH),
  };
  const prepared = await contestant.prepare(small, requestOf(small));
  for (let run = 0; run < 5; run++) await prepared.run();
  await prepared.dispose();
}

async function measureRun(contestant: Contestant, workload: Workload): Promise<MemoryReport> {
  const exercise = exerciseOf(workload);
  const { request } = exercise;
  await settle();
  const before = process.memoryUsage();
  const prepared = await contestant.prepare(workload, request);
  const output = await prepared.run();
  const arrays = process.memoryUsage().arrayBuffers;
  const peakBytes = process.resourceUsage().maxRSS * 1024;

  const { device, threads } = prepared;
  const fault = faultOf(exercise, output);
  await prepared.dispose();
  if (fault !== null) return { status: 'wrong', device, threads, reason: fault };

  const outputBytes = output.data.byteLength;
  const inputs = [request.query, request.key, request.value];
  return {
    status: 'measured',
    device,
    inputBytes: inputs.reduce((sum, { data }) => sum + data.byteLength, 0),
    outputBytes,
    beforeBytes: before.rss,
    peakBytes,
    growthBytes: peakBytes - before.rss - outputBytes,
    arrayBytes: Math.max(0, arrays - before.arrayBuffers - outputBytes),
  };
}

/** Lets garbage go, and the allocator give its pages back. */
async function settle(): Promise<void> {
  globalThis.gc!();
  await setTimeout(50);
  globalThis.gc!();
}

const [name, workload] = process.argv.slice(2);
process.send!(await report(contestantNamed(name!), JSON.parse(workload!) as Workload));
process.disconnect();
