import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { CallerOptions, Growth } from './caller.ts';

const PROGRAM = fileURLToPath(new URL('../../dist/test/caller.js', import.meta.url));

/** Starts a caller in a process of its own. */
export function startCaller(options: CallerOptions): ChildProcessByStdio<null, Readable, null> {
  const words = [PROGRAM, JSON.stringify(options)];
  return spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Runs a caller in a process of its own, and returns by how much its memory grew. */
export async function growthOf(options: CallerOptions): Promise<Growth> {
  const child = startCaller(options);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(child, 'close');
  return JSON.parse(said) as Growth;
}
