import spinner from 'yocto-spinner';

/** Progress on standard error. */
export interface Progress {
  update(text: string): void;
  stop(): void;
}

/** Delay before progress is shown. */
const PATIENCE_MS = 300;

/**
 * Starts a spinner on a terminal, and nothing elsewhere. `update` redraws at once, since computing blocks the timers
 * that would.
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
