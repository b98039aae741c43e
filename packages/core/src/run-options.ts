/** Options of every run. */
export interface RunOptions {
  /** Ends the run early: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a run as the author of a kernel gets them. */
export interface EngineRunOptions extends RunOptions {
  /**
   * True if the results stay in the engine's memory. The kernel may then return before they are computed, if whatever uses them waits:
   * later runs, and `download`, `write` and `take` of the memory.
   */
  readonly resident?: boolean;
}
