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
  /** From here on, one flag for each worker: that it is inside a job. */
  INSIDE: 8,
} as const;

/** Functions of `Atomics` that the calling thread uses. */
type AtomicOperations = Pick<typeof Atomics, 'add' | 'load' | 'notify' | 'store' | 'wait'>;

/** Without `Atomics` an engine has no shared memory either, and only one thread, which waits for nobody. */
const ALONE: AtomicOperations = {
  add(words: Int32Array, index: number, value: number) {
    const before = words[index]!;
    words[index]! += value;
    return before;
  },
  load: (words: Int32Array, index: number) => words[index]!,
  notify: () => 0,
  store: (words: Int32Array, index: number, value: number) => (words[index] = value),
  wait: () => 'not-equal',
} as never;

export const atomics: AtomicOperations = typeof Atomics === 'undefined' ? ALONE : Atomics;
