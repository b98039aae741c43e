import { Command } from 'commander';
import type { Console } from '../output/console.ts';
import type { ExitCode } from '../program.ts';
export function demoCommand(_console: Console, _onEnd: (code: ExitCode) => void): Command {
  return new Command('demo');
}
