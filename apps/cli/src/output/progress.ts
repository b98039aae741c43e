import spinner from 'yocto-spinner';

/** Says on standard error what is going on, while something is. */
export interface Progress {
  update(text: string): void;
  stop(): void;
}

/** Sooner than this, nothing needs to be said. */
const PATIENCE_MS = 300;

/**
 * A spinner, where somebody watches: on a terminal. `update` redraws at once, since computing blocks the timers that
 * would.
 */
export function startProgress(text: string): Progress {
  if (!process.stderr.isTTY || process.env['TERM'] === 'dumb') return { update: () => {}, stop: () => {} };
  const started = Date.now();
  const line = spinner({ text, stream: process.stderr });
  const timer = setTimeout(() => line.start(), PATIENCE_MS);
  return {
    update(next) {
      line.text = next;
      if (!line.isSpinning && Date.now() - started > PATIENCE_MS) line.start();
    },
    stop() {
      clearTimeout(timer);
      if (line.isSpinning) line.stop();
    },
  };
}
