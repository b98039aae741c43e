import { textOf } from '../error.ts';

/** Cleanup of an object that was dropped without dispose(). It must not reference that object. */
export interface Ending {
  /** Text of the warning: what was dropped, and the remedy. `null`: no warning. */
  readonly told: string | null;
  end(): unknown;
}

/** The code of the warning, as `process.on('warning')` and a console show it. */
const CODE = 'HEED_UNDISPOSED';

let registry: FinalizationRegistry<Ending> | undefined;
let isTold = false;

/**
 * Runs the cleanup of an object that was not disposed, once it is unreachable. On a platform without finalization, that
 * is when the process or page ends.
 *
 * @param reachable is held by all that can still use it.
 */
export function endWhenCollected(reachable: object, ending: Ending): void {
  if (typeof FinalizationRegistry === 'undefined') return;
  registry ??= new FinalizationRegistry<Ending>((dropped) => {
    if (dropped.told !== null) tellOnce(dropped.told);
    // Unhandled, an error would end the process.
    (async () => dropped.end())().catch((error: unknown) =>
      warn(`what was dropped cannot be ended: ${textOf(error)}`),
    );
  });
  registry.register(reachable, ending, ending);
}

/** Cancels the cleanup of an object that was disposed. */
export function forget(ending: Ending): void {
  registry?.unregister(ending);
}

/** Warns once: a program that drops one tensor drops thousands. */
function tellOnce(message: string): void {
  if (isTold || isProduction()) return;
  isTold = true;
  warn(message);
}

function warn(message: string): void {
  const host = (globalThis as { process?: Host }).process;
  if (host?.emitWarning) host.emitWarning(message, { type: 'HeedWarning', code: CODE });
  // oxlint-disable-next-line no-console -- a warning is for the console where nothing else takes it
  else console.warn(`${CODE}: ${message}`);
}

interface Host {
  emitWarning?(message: string, options: { type: string; code: string }): void;
}

declare const process: { readonly env: { readonly NODE_ENV?: string } };

/** Spelled as bundlers replace it; a page without a bundler has no `process`. */
function isProduction(): boolean {
  try {
    return process.env.NODE_ENV === 'production';
  } catch {
    return false;
  }
}
