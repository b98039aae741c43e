import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HeedError, type HeedErrorJSON } from '@heed/core';
import type { Step, Task, TaskResults } from './tasks.ts';
import { standardMemoryBytes } from './watch-memory.ts';

/** Message from the child process. */
export type Message =
  | { readonly step: Step }
  | { readonly value: TaskResults[Task['kind']] }
  | { readonly error: HeedErrorJSON };

export interface ContainedOptions {
  /** Ends the task if a step of the backend takes longer. */
  readonly timeoutSeconds: number;
  /** Ends the task if it takes more memory. Default {@link standardMemoryBytes}. */
  readonly memoryBytes?: number | undefined;
  readonly onStep?: (step: Step) => void;
}

/** Time for what is not the backend's: starting Node, loading the suite. On a busy machine each takes seconds. */
const OWN_SECONDS = 120;

/** Number of characters of the child process's standard error that are kept, in case it dies. */
const LAST_WORDS = 2000;

/**
 * Performs a task in a separate process.
 *
 * @throws HeedError the task's own; `ENGINE` when the process falls silent, ends early or is killed, with the step
 * that it was at.
 */
export function runContained<K extends Task['kind']>(
  task: Extract<Task, { kind: K }>,
  { timeoutSeconds, memoryBytes = standardMemoryBytes(), onStep }: ContainedOptions,
): Promise<TaskResults[K]> {
  const child = fork(fileURLToPath(import.meta.resolve('./child.js')), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const words = lastWords(child);
  let step: Step | null = null;

  return new Promise<TaskResults[K]>((resolve, reject) => {
    const listen = (seconds: number): NodeJS.Timeout =>
      setTimeout(() => reject(fault(task, step, `no answer in ${seconds} s`)), 1000 * seconds);
    let timer = listen(OWN_SECONDS);
    child.on('message', (message: Message) => {
      if ('value' in message) return resolve(message.value as TaskResults[K]);
      if ('error' in message) return reject(HeedError.fromJSON(message.error));
      step = message.step;
      onStep?.(step);
      clearTimeout(timer);
      timer = listen(step.own ? OWN_SECONDS : timeoutSeconds);
    });
    child.once('error', (error) => reject(fault(task, step, error.message)));
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      const how =
        signal === null ? `the process ended with exit code ${code}` : `the process was ended by ${signal}`;
      reject(fault(task, step, [how, ...words()].join(': ')));
    });
    child.send({ ...task, memoryBytes });
  }).finally(() => child.kill('SIGKILL'));
}

function fault({ name }: Task, step: Step | null, what: string): HeedError {
  const where =
    step === null ? 'at start' : step.done === undefined ? `in ${step.text}` : `after ${step.text}`;
  return new HeedError('ENGINE', `${name} ${where}: ${what}`, { remedy: 'tell the author of the backend' });
}

/** Returns the line of standard error that says why the process died, if any. */
function lastWords(child: ChildProcess): () => string[] {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-LAST_WORDS);
  });
  return () => {
    const lines = text.split('\n').map((line) => line.trim());
    return lines.filter((line) => /^(\w*Error\b|FATAL)/.test(line)).slice(-1);
  };
}
