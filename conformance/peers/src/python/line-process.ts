import { type ChildProcess, spawn } from 'node:child_process';

/** A process of another language, spoken to in lines of text and raw bytes over its standard streams. */
export interface LineProcess {
  readonly pid: number;
  write(data: string | Uint8Array): void;
  /** The next line, without its end. Rejects when the process ends first. */
  readLine(): Promise<string>;
  /** The next bytes, exactly `count` of them. */
  read(count: number): Promise<Uint8Array>;
  /** Ends the process's input, and with it the process; resolves when it is gone. */
  end(): Promise<void>;
}

/** Starts a process, which ends with this one: its standard input ends then. */
export function startLineProcess(command: string, words: readonly string[]): LineProcess {
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => undefined);
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  const take = reader(child);
  return {
    pid: child.pid!,
    write: (data) => void child.stdin.write(data),
    readLine: async () =>
      (await take((buffered) => buffered.indexOf('\n') + 1 || null)).toString('utf8').trimEnd(),
    read: (count) => take((buffered) => (buffered.length >= count ? count : null)),
    end() {
      child.stdin.end();
      return gone;
    },
  };
}

/** Takes bytes off the standard output: as many as the function finds in what has come so far, once it finds them. */
function reader(child: ChildProcess): (find: (buffered: Buffer) => number | null) => Promise<Buffer> {
  let chunks: Buffer[] = [];
  let ended: Error | null = null;
  let wake = (): void => undefined;
  child.stdout!.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    wake();
  });
  child.once('error', (error) => {
    ended = error;
    wake();
  });
  child.once('close', (code, signal) => {
    ended ??= new Error(`the process ended with ${signal ?? `exit code ${code}`}`);
    wake();
  });
  return async (find) => {
    for (;;) {
      const buffered = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      chunks = [buffered];
      const count = find(buffered);
      if (count !== null) {
        chunks = [buffered.subarray(count)];
        return buffered.subarray(0, count);
      }
      if (ended !== null) throw ended;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}
