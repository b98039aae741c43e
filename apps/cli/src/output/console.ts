import { WriteStream } from 'node:tty';
import type { HeedError } from '@heed/core';
import type { TerminalColor } from '@heed/heatmap';
import pc from 'picocolors';

export type Colors = ReturnType<typeof pc.createColors>;

/** Exit code of a run: 0 all is well, 1 a check failed, 2 the command or its arguments are invalid. */
export type ExitCode = 0 | 1 | 2;

/** Output of a command, and the features that it may use there. */
export interface Console {
  readonly json: boolean;
  /** Width of standard output, in columns. */
  readonly width: number;
  readonly colors: Colors;
  /** Colors that a heatmap may have. */
  readonly depth: TerminalColor;
  /** Prints a line of the human-readable report. Does nothing in JSON mode. */
  print(text?: string): void;
  /** Prints the result. Does nothing outside JSON mode. */
  result(value: unknown): void;
  /** Reports an error: in JSON mode as the result, unless there is one already; otherwise as text on standard error. */
  fail(error: HeedError): void;
}

/** Width of lines for files and pipes. */
const DEFAULT_WIDTH = 80;

/**
 * Opens the console of a run. In JSON mode only the one object goes to standard output: whatever backends print goes
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

/** Bits of color that a stream shows: 1, 4, 8 or 24. NO_COLOR comes first, then FORCE_COLOR, then the terminal. */
export function colorBits(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): number {
  if (env['NO_COLOR']) return 1;
  const forced = env['FORCE_COLOR'];
  if (forced === undefined && !stream.isTTY) return 1;
  return WriteStream.prototype.getColorDepth.call(stream, env);
}
