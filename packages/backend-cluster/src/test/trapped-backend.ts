/** The backend `ts`, slow, and with queries that kill its process, end its thread or exceed its memory. */
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  type AttentionBackend,
  type AttentionInputs,
  type AttentionKernel,
  type BackendProvider,
  CONTRACT_VERSION,
  HeedError,
} from '@heed/core';
import ts from '@heed/backend-ts';

/** First number of a query whose worker is killed. */
export const DEADLY = 666;
/** First number of a query for which there is never enough memory. */
export const HUGE = 777;

/** First number of a query that ends the thread of its worker's backend. */
export const FATAL = 888;

/** First number of a query for which something is thrown that has no text. */
export const BARE = 999;

interface TrappedOptions {
  /** Milliseconds before each run. */
  readonly delay?: number;
  /** Milliseconds for which each run blocks its thread. */
  readonly block?: number;
  /** Device that it reports. */
  readonly device?: string;
  /** Folder in which so many workers meet before any of them goes on. */
  readonly together?: { readonly folder: string; readonly count: number };
}

const trapped: BackendProvider<TrappedOptions> = {
  contract: CONTRACT_VERSION,
  name: 'trapped',
  probe: ts.probe,
  async create({
    delay = 0,
    block = 0,
    device = 'JavaScript, one thread',
    together,
  } = {}): Promise<AttentionBackend> {
    const backend = await ts.create();
    if (together !== undefined) {
      writeFileSync(path.join(together.folder, String(process.pid)), '');
      while (readdirSync(together.folder).length < together.count) await wait(5);
    }
    const trap = async (kernel: AttentionKernel): Promise<AttentionKernel> => ({
      ...kernel,
      run: (async (inputs: AttentionInputs, options: never) => {
        await wait(delay);
        for (const end = Date.now() + block; Date.now() < end;);
        const first = 'data' in inputs.query ? inputs.query.data[0] : 0;
        if (first === DEADLY) process.kill(process.pid, 'SIGKILL');
        if (first === FATAL) process.exit(1);
        if (first === HUGE) throw new HeedError('OUT_OF_MEMORY', 'not enough memory for the results');
        if (first === BARE) throw Object.create(null);
        return kernel.run(inputs, options);
      }) as AttentionKernel['run'],
    });
    return {
      ...backend,
      name: 'trapped',
      device,
      compile: async (problem) => trap(await backend.compile(problem)),
    };
  },
};
export default trapped;
