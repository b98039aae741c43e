/** The module of a worker, for pages that do not allow one to be made of source: see the option `worker`. */
import { nodeModule } from './platform/node.ts';
import type { FromWorker, ToWorker } from './platform/threads/job.ts';
import { type Channel, work } from './platform/threads/worker-source.ts';
import { WORD } from './platform/threads/words.ts';

interface Port {
  postMessage(message: FromWorker): void;
  addEventListener(type: 'message', listener: (event: { readonly data: ToWorker }) => void): void;
  /** Only ports have it. */
  start?(): void;
}

function channel(): Channel {
  const port = (nodeModule('node:worker_threads')?.parentPort ?? globalThis) as unknown as Port;
  return {
    post: (message) => port.postMessage(message),
    listen(listener) {
      port.addEventListener('message', ({ data }) => listener(data));
      port.start?.();
    },
  };
}

work(channel(), WORD);
