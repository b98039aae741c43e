/** State that Stryker's instrumented code reads and writes, by its own names. */
interface Switch {
  /** The mutant that runs; none by default. */
  activeMutant?: string | undefined;
  /** Beyond the limit the instrumented code throws, which ends a loop that a mutant made endless. */
  hitCount?: number;
  hitLimit?: number;
  currentTestId?: string | undefined;
  mutantCoverage?: {
    /** Number of times that each mutant ran while the modules loaded. */
    readonly static: Readonly<Record<string, number>>;
    readonly perTest: Readonly<Record<string, Readonly<Record<string, number>>>>;
  };
}

const place = globalThis as unknown as { __stryker__?: Switch };
export const mutantSwitch: Switch = (place.__stryker__ ??= {});
