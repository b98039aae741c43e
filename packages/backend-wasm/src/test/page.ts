/** Runs in a browser; the test calls what is on `window`. */
import { type Report, allCases, verify } from '@heed/conformance';
import type { Availability } from '@heed/core';
import wasm, { type WasmOptions } from '../index.ts';
import { COMBINATIONS, providerOf } from './combinations.ts';
import { Heap } from '../memory/heap.ts';
import { Team } from '../platform/threads/team.ts';
import { tinyModule } from './tiny-module.ts';
import { verdictOf } from './verdict.ts';

declare global {
  interface Window {
    /** The suite with these options, or one case in so many, or some of its clauses. */
    verifyWasm?: (options: WasmOptions, every: number, clauses?: readonly string[]) => Promise<Report>;
    /** Device of a backend made with these options, or the error's code, message and remedy. */
    deviceOf?: (options: WasmOptions) => Promise<string>;
    /** Result of the probe. */
    probe?: () => Promise<Availability>;
    /** Outcomes of a job whose fourth task fails, of one that is aborted, and of one after them. */
    jobs?: (threads: number) => Promise<string[]>;
  }
}

// Made once: each case keeps the results to compare with.
const cases = allCases();

window.verifyWasm = async (options, every, clauses) => {
  const some = (await cases).filter((_, n) => n % every === 0);
  return verify(providerOf(options), { cases: some, ...(clauses && { clauses }) });
};

window.deviceOf = async (options) => {
  try {
    const backend = await wasm.create(options);
    await backend.dispose();
    return backend.device;
  } catch (error) {
    return JSON.stringify(error);
  }
};

window.probe = () => wasm.probe();

window.jobs = async (threads) => {
  const heap = new Heap(threads > 1);
  const team = await Team.start(heap.memory, threads);
  const module = await WebAssembly.compile(tinyModule(heap.shared));
  const instance = await WebAssembly.instantiate(module, { env: { memory: heap.memory } });
  const frame = heap.allocate(29 * 4);
  const run = async (name: string, rounds: number, signal?: AbortSignal): Promise<string> => {
    const cells = heap.array({ address: frame, dtype: 'int32', length: 29 });
    cells.fill(0)[0] = rounds;
    const phases = [name, 'sum'].map((each) => ({ export: each, firstTask: 0, tasks: 14 }));
    const job = { module: { id: 1, module, instance }, phases, frame, scratch: 0, scratchStride: 0 };
    try {
      await team.run(job, team.helpersFor(14), signal);
      return cells.slice(15).join();
    } catch (error) {
      return String(error);
    }
  };
  const results = [
    await run('fail', 1),
    await run('count', 100_000_000, AbortSignal.timeout(1)),
    await run('count', 1),
  ];
  await team.end();
  return results;
};

/** For browsers that nothing drives: every combination that this page allows, sent to where it came from. */
if (location.search === '?send') {
  const send = (name: string, body: string): Promise<Response> => fetch(name, { method: 'POST', body });
  try {
    for (const options of COMBINATIONS) {
      if (options.threads > 1 && !crossOriginIsolated) continue;
      await send('/verdict', JSON.stringify(await verdictOf(options, await cases)));
    }
    await send('/end', '');
  } catch (error) {
    await send('/end', String(error));
  }
}
