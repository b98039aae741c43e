import type { FromWorker, TaskFunction, ToWorker } from './job.ts';
import { WORD } from './words.ts';

/** The worker's end of the channel to the thread that started it, in browsers and in Node. */
export interface Channel {
  post(message: FromWorker): void;
  listen(listener: (message: ToWorker) => void): void;
}

/**
 * The whole program of a worker, given to the engine as source: a worker of its own file would have to be found by
 * every bundler. So it uses nothing of its surroundings, and has no named function inside, which some bundlers mark
 * by a call to a helper.
 */
export function work({ post, listen }: Channel, word: typeof WORD): void {
  const modules = new Map<number, WebAssembly.Module>();
  const instances = new Map<number, WebAssembly.Instance>();
  let memory: WebAssembly.Memory;
  let words: Int32Array;
  let inside: number;
  listen((message) => {
    if ('memory' in message) {
      ({ memory, words, inside } = message);
      return post({ ready: true });
    }
    if ('forget' in message) {
      modules.delete(message.forget);
      return void instances.delete(message.forget);
    }

    const { number, id, module, phases, frame, scratch, reports } = message;
    if (module) modules.set(id, module);
    Atomics.store(words, inside, 1);
    try {
      // Late: the others have done it all, and the frame may be another job's, which this one must not fail.
      if (Atomics.load(words, word.OPEN) !== number) return;
      if (!instances.has(id))
        instances.set(id, new WebAssembly.Instance(modules.get(id)!, { env: { memory } }));
      const { exports } = instances.get(id)!;
      let end = 0;
      let task = Atomics.add(words, word.CLAIMED, 1);
      for (const phase of phases) {
        const start = end;
        end += phase.tasks;
        const run = exports[phase.export] as TaskFunction;
        while (task < end) {
          // For a phase to begin, the tasks before it must be finished.
          for (;;) {
            const signal = Atomics.load(words, word.SIGNAL);
            if (Atomics.load(words, word.STOP) !== 0) return;
            if (Atomics.load(words, word.DONE) >= start) break;
            Atomics.wait(words, word.SIGNAL, signal);
          }
          run(phase.firstTask + task - start, frame, scratch);
          if (Atomics.add(words, word.DONE, 1) + 1 === end) {
            Atomics.add(words, word.SIGNAL, 1);
            Atomics.notify(words, word.SIGNAL);
          }
          task = Atomics.add(words, word.CLAIMED, 1);
        }
      }
    } catch (error) {
      Atomics.store(words, word.STOP, 1);
      post({ error: String(error), number });
    } finally {
      Atomics.store(words, inside, 0);
      Atomics.add(words, word.SIGNAL, 1);
      Atomics.notify(words, word.SIGNAL);
      if (reports) post({ left: number });
    }
  });
}

/** The program of a worker. `channel` is source of an expression. */
export function workerSource(channel: string): string {
  return `(${work.toString()})(${channel}, ${JSON.stringify(WORD)});`;
}
