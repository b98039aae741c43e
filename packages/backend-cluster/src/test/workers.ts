import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '../worker/index.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/test/worker-process.js', import.meta.url));

/** A worker in a process of its own, so that it can be killed and stopped. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | NodeJS.Signals>;
  readonly #heard: string[] = [];
  #listener: (line: string) => void = () => undefined;
  id = '';

  private constructor(options: Partial<WorkerOptions>) {
    this.#child = spawn(process.execPath, [PROGRAM, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#exit = new Promise((resolve) =>
      this.#child.once('exit', (code, signal) => resolve(signal ?? code ?? 0)),
    );
    let rest = '';
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        this.#heard.push(line);
        this.#listener(line);
      }
    });
  }

  /**
   * Starts a worker.
   *
   * @throws Error what it says, if it does not join.
   */
  static async start(options: Partial<WorkerOptions>): Promise<WorkerProcess> {
    const worker = new WorkerProcess(options);
    const [, what, rest] = /^(\w+) ?(.*)$/.exec(await worker.hears(/^(joined|refused)/))!;
    if (what === 'refused') {
      await worker.exit;
      throw new Error(rest);
    }
    worker.id = rest!;
    return worker;
  }

  /** Starts several at once. */
  static many(count: number, options: Partial<WorkerOptions>): Promise<WorkerProcess[]> {
    return Promise.all(Array.from({ length: count }, () => WorkerProcess.start(options)));
  }

  get exit(): Promise<number | NodeJS.Signals> {
    return this.#exit;
  }

  /** Resolves to the first line that matches, printed already or later. */
  hears(pattern: RegExp): Promise<string> {
    const said = this.#heard.find((line) => pattern.test(line));
    if (said !== undefined) return Promise.resolve(said);
    return new Promise((resolve, reject) => {
      this.#listener = (line) => pattern.test(line) && resolve(line);
      void this.#exit.then((how) =>
        reject(new Error(`the worker ended with ${how}: ${this.#heard.join(' / ')}`)),
      );
    });
  }

  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.send('SIGKILL');
    await this.#exit;
  }

  async end(): Promise<void> {
    this.send('SIGCONT');
    this.send('SIGTERM');
    await this.#exit;
  }
}
