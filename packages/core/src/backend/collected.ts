/** What must be done for something that was dropped without dispose(). It must not lead back to what is dropped. */
export interface Ending {
  /** What was dropped, with its remedy, for the warning; `null` for what is not worth one. */
  readonly told: string | null;
  end(): unknown;
}

/** The code of the warning, as `process.on('warning')` and a console show it. */
const CODE = 'HEED_UNDISPOSED';

let registry: FinalizationRegistry<Ending> | undefined;
let isTold = false;

/**
 * Ends what was not disposed when nothing can reach it any more. Where the platform has no finalization, that is when the
 * process or page ends.
 *
 * @param reachable is held by all that can still use it.
 */
export function endWhenCollected(reachable: object, ending: Ending): void {
  if (typeof FinalizationRegistry === 'undefined') return;
  registry ??= new FinalizationRegistry<Ending>((dropped) => {
    if (dropped.told !== null) tellOnce(dropped.told);
    dropped.end();
  });
  registry.register(reachable, ending, ending);
}

/** What was disposed needs no other end. */
export function forget(ending: Ending): void {
  registry?.unregister(ending);
}

/** Warns at the first one: a program that drops one tensor drops thousands. */
function tellOnce(message: string): void {
  if (isTold || isProduction()) return;
  isTold = true;
  const host = (globalThis as { process?: Host }).process;
  if (host?.emitWarning) host.emitWarning(message, { type: 'HeedWarning', code: CODE });
  // oxlint-disable-next-line no-console -- a warning is for the console where nothing else takes it
  else console.warn(`${CODE}: ${message}`);
}

interface Host {
  emitWarning?(message: string, options: { type: string; code: string }): void;
}

declare const process: { readonly env: { readonly NODE_ENV?: string } };

/** Spelled as bundlers replace it; a page without one has no `process`. */
function isProduction(): boolean {
  try {
    return process.env.NODE_ENV === 'production';
  } catch {
    return false;
  }
}
