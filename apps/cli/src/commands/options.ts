import { HeedError } from '@heed/core';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** An option for a time: all budgets and timeouts are in seconds. */
export function secondsOption(flags: string, description: string, standard?: number): Option {
  const option = new Option(flags, description).argParser((text: string) => {
    const seconds = Number(text);
    if (text.trim() !== '' && Number.isFinite(seconds) && seconds > 0) return seconds;
    throw new InvalidArgumentError('expected a number of seconds greater than 0, such as 0.5 or 90.');
  });
  return standard === undefined ? option : option.default(standard);
}

/** An option that is an integer ≥ 0. */
export function integerOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string) => {
    if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
    throw new InvalidArgumentError('expected an integer, 0 or greater.');
  });
}

/** An option that is an integer ≥ 1. */
export function countOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string) => parseCount(text));
}

/** An option for a list of integers ≥ 1, separated by commas; returned in ascending order, each once. */
export function countsOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string) =>
    [...new Set(text.split(',').map(parseCount))].sort((a, b) => a - b),
  );
}

function parseCount(text: string): number {
  if (/^\d+$/.test(text) && Number(text) > 0 && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('expected an integer greater than 0.');
}

/**
 * Makes an option of earlier versions an error that names its replacement.
 *
 * @param flags with its value in brackets, if it had one.
 * @param remedy completes the message: "use `heed list`".
 */
export function replaced(command: Command, flags: string, remedy: string): Command {
  const option = new Option(flags).hideHelp();
  return command.addOption(option).on(`option:${option.name()}`, () => {
    throw new HeedError('ARGUMENT', `${option.long} is no longer an option of heed ${command.name()}`, {
      remedy,
    });
  });
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}

/** Memory limit of a backend's process, in bytes. */
export function memoryOption(): Option {
  return new Option('--memory <megabytes>', "memory that a backend's process may have")
    .argParser((text: string) => {
      if (/^[1-9]\d*$/.test(text)) return Number(text) * 1e6;
      throw new InvalidArgumentError('expected a number of megabytes, 1 or greater.');
    })
    .default(undefined, "half of the machine's");
}
