import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeBinary } from './node-binary.ts';
import type { Message, Refusal, Reply, Request } from './protocol.ts';

/** A process that one contestant has for itself on one workload. */
export interface ContestantProcess {
  /**
   * Sends a request, one at a time. A process that dies, does not answer in time, or is aborted by the signal is ended,
   * and what remains of it is its failure.
   */
  ask(request: Request, limitMs: number, signal?: AbortSignal): Promise<Reply>;
  end(): Promise<void>;
}

/** Running processes; none outlives this one. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) kill(child);
});

/** Characters of standard error that are kept in case the process dies. */
const LAST_WORDS = 2000;

/** Environment with the number of threads for libraries that read it there, and with less output from others. */
function environment(threads: number): NodeJS.ProcessEnv {
  const count = String(threads);
  return {
    ...process.env,
    OMP_NUM_THREADS: count,
    MKL_NUM_THREADS: count,
    TF_NUM_INTRAOP_THREADS: count,
    TF_NUM_INTEROP_THREADS: '1',
    TF_CPP_MIN_LOG_LEVEL: '2',
  };
}

/** Starts a process in a group of its own, so that Ctrl-C reaches the measuring process only. */
export function startProcess(threads: number): ContestantProcess {
  const child = spawn(nodeBinary(), ['--expose-gc', fileURLToPath(new URL('child.js', import.meta.url))], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    detached: process.platform !== 'win32',
    windowsHide: true,
    env: environment(threads),
  });
  alive.add(child);
  const words = lastWords(child);
  let stage = 'starting';
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      alive.delete(child);
      resolve(error.message);
    });
    child.once('close', (code, signal) => {
      alive.delete(child);
      resolve(
        signal === null ? `the process ended with exit code ${code}` : `the process was ended by ${signal}`,
      );
    });
  });

  return {
    async ask(request, limitMs, signal) {
      const failed = (reason: string): Refusal => {
        kill(child);
        return { status: 'failed', device: null, threads: null, reason };
      };
      const silent = (): Refusal => ({
        ...failed(`no answer in ${Math.round(limitMs / 100) / 10} s (${stage})`),
        hung: true,
      });
      const race = deadline(limitMs, signal);
      let listen: (message: Message) => void = () => undefined;
      const answered = new Promise<Reply>((resolve) => {
        listen = (message) => {
          if ('stage' in message) stage = message.stage;
          else resolve(message.reply);
        };
        child.on('message', listen);
      });
      try {
        if (child.connected) child.send(request, () => undefined);
        return await Promise.race([
          answered,
          gone.then((how) => failed([how, ...words()].join(': ').concat(` (${stage})`))),
          race.over.then(silent),
        ]);
      } finally {
        race.stop();
        child.off('message', listen);
        stage = 'running';
      }
    },
    async end() {
      kill(child);
      await gone;
    },
  };
}

/** Ends the process and those that it started. */
function kill(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

/** Resolves after the time limit; rejects if the signal comes first. */
function deadline(limitMs: number, signal?: AbortSignal): { over: Promise<void>; stop: () => void } {
  let stop = (): void => undefined;
  const over = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, limitMs);
    const abort = (): void => reject(signal!.reason as Error);
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { once: true });
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
  });
  return { over, stop };
}

/** The line of standard error that says why the process died, if there is one. */
function lastWords(child: ChildProcess): () => string[] {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-LAST_WORDS);
  });
  return () => {
    const lines = text.split('\n').map((line) => line.trim());
    return lines.filter((line) => /^(\w*Error\b|FATAL|RuntimeError)/.test(line)).slice(-1);
  };
}
