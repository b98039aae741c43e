import { WriteStream } from 'node:tty';
import type { HeedError } from '@heed/core';
import type { TerminalColor } from '@heed/heatmap';
import pc from 'picocolors';

export type Colors = ReturnType<typeof pc.createColors>;

/** How a run ends: 0 all is well, 1 a check failed, 2 the command could not be understood or its arguments not used. */
export type ExitCode = 0 | 1 | 2;

/** What a command writes to, and what it may use there. */
export interface Console {
  readonly json: boolean;
  /** Of standard output, in columns. */
  readonly width: number;
  readonly colors: Colors;
  /** How many colours a heatmap may have. */
  readonly depth: TerminalColor;
  /** A line of the human-readable report. Nothing in JSON mode. */
  print(text?: string): void;
  /** The result. Nothing outside JSON mode. */
  result(value: unknown): void;
  /** What went wrong: in JSON mode the result, unless there is one already; words on standard error otherwise. */
  fail(error: HeedError): void;
}

/** Width of lines for files and pipes. */
const DEFAULT_WIDTH = 80;

/**
 * The console of a run. In JSON mode standard output belongs to the one object alone: whatever backends print goes
 * to standard error.
 */
export function openConsole(json: boolean): Console {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  if (json) stdout.write = stderr.write.bind(stderr);
  let answered = false;
  const result = (value: unknown): void => {
    if (json) write(`${JSON.stringify(value)}\n`);
    answered = json;
  };
  const bits = json ? 1 : colorBits(stdout);
  return {
    json,
    width: stdout.columns ?? DEFAULT_WIDTH,
    colors: pc.createColors(bits > 1),
    depth: bits >= 24 ? 'truecolor' : bits >= 8 ? '256' : 'none',
    print: (text = '') => {
      if (!json) write(`${text}\n`);
    },
    result,
    fail: (error) => {
      if (json && !answered) return result(error.toJSON());
      stderr.write(`error: ${error.reason}\n`);
      if (error.remedy !== undefined) stderr.write(`  → ${error.remedy}\n`);
    },
  };
}

/** Bits of colour that a stream shows: 1, 4, 8 or 24. NO_COLOR rules, then FORCE_COLOR, then what the terminal says. */
export function colorBits(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): number {
  if (env['NO_COLOR']) return 1;
  const forced = env['FORCE_COLOR'];
  if (forced === undefined && !stream.isTTY) return 1;
  return WriteStream.prototype.getColorDepth.call(stream, env);
}
