/** What every run takes besides its inputs. */
export interface RunOptions {
  /** Ends the run early: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}
