import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isRequired } from '@heed/testing';

/** Path where `provision` puts the server's binary. */
const BINARY = path.join(
  process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'),
  `heed/nats-server-2.15.1-${process.platform}-${process.arch}/nats-server`,
);

/** Returns whether there is a server to test with; `HEED_REQUIRE` makes its absence a failure. */
export function hasServer(): boolean {
  return existsSync(BINARY) || isRequired('cluster');
}

/** A private NATS server: a free port of this machine, its storage in a temporary folder. */
export class TestServer {
  readonly port: number;
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'heed-nats-'));
  readonly #words: readonly string[];
  #child: ChildProcess | null = null;

  private constructor(port: number, words: readonly string[]) {
    this.port = port;
    this.#words = words;
  }

  /** @param words more of the command line: `--user`, `--tls`. */
  static async start(words: readonly string[] = []): Promise<TestServer> {
    const server = new TestServer(await freePort(), words);
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const words = ['-js', '-sd', this.#folder, '-a', '127.0.0.1', '-p', String(this.port), ...this.#words];
    this.#child = spawn(BINARY, words, { stdio: 'ignore' });
    for (let tries = 0; !(await isListening(this.port)); tries++) {
      if (tries > 200) throw new Error('the server does not start');
      await wait(20);
    }
  }

  /** Ends the process, and keeps what it has stored. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
