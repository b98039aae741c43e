import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Path of Chromium: that of Debian's package, or from the environment. */
export const CHROMIUM: string = process.env['HEED_CHROMIUM'] ?? '/usr/bin/chromium';

/** Reason that tests in a browser cannot run, with the remedy; null if they can. */
export const absence: string | null = existsSync(CHROMIUM)
  ? null
  : `there is no Chromium at ${CHROMIUM} (apt-get install chromium, or set HEED_CHROMIUM)`;

/** Starts headless Chromium, in which every host name leads to the loopback. */
export function launch(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--host-resolver-rules=MAP * 127.0.0.1', ...flags],
  });
}
