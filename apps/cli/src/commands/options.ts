import { InvalidArgumentError, Option } from 'commander';

/** An option that is a number of seconds greater than 0. */
export function secondsOption(flags: string, description: string, standard?: number): Option {
  const option = new Option(flags, description).argParser((text: string) => {
    const seconds = Number(text);
    if (text.trim() !== '' && Number.isFinite(seconds) && seconds > 0) return seconds;
    throw new InvalidArgumentError('expected a number of seconds greater than 0.');
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

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value];
}

/** The memory that a backend's process may have, in bytes. */
export function memoryOption(): Option {
  return new Option('--memory <megabytes>', "memory that a backend's process may have")
    .argParser((text: string) => {
      if (/^[1-9]\d*$/.test(text)) return Number(text) * 1e6;
      throw new InvalidArgumentError('expected a number of megabytes, 1 or greater.');
    })
    .default(undefined, "half of the machine's");
}
