/**
 * Words that the threads of a team share. Every wait is for a change of SIGNAL.
 */
export const WORD = {
  /** The number of the job that may be entered; 0 when there is none. */
  OPEN: 0,
  /** Tasks that threads have taken, over all phases. */
  CLAIMED: 1,
  /** Tasks that are finished. */
  DONE: 2,
  /** Set to 1: no further task is begun. */
  STOP: 3,
  SIGNAL: 4,
  /** From here on, one for each worker: whether it is inside a job. */
  INSIDE: 8,
} as const;
