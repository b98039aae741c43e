/** Options of every run. */
export interface RunOptions {
  /** Ends the run early: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}
