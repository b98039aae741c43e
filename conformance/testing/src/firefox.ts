import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

const PATHS = ['/usr/bin/firefox-esr', '/usr/bin/firefox'];

/** Path of Firefox: that of Debian's package, or from the environment. */
const FIREFOX: string = process.env['HEED_FIREFOX'] ?? PATHS.find(existsSync) ?? PATHS[0]!;

/** Reason that tests in Firefox cannot run, with the remedy; null if they can. */
export const firefoxAbsence: string | null = existsSync(FIREFOX)
  ? null
  : `there is no Firefox at ${FIREFOX} (apt-get install firefox-esr, or set HEED_FIREFOX)`;

/** A new profile: WebGPU, on a GPU in software too, and nothing that asks the user or the network. */
const PREFERENCES: Readonly<Record<string, boolean | string>> = {
  'dom.webgpu.enabled': true,
  'dom.webgpu.workers.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'toolkit.telemetry.enabled': false,
  'app.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
};

/** A browser that runs. */
interface Running {
  /** Ends it and removes its profile. */
  close(): Promise<void>;
}

/** Starts headless Firefox on a page, which has to tell its results by itself. */
export async function launchFirefox(url: string): Promise<Running> {
  const profile = await mkdtemp(path.join(os.tmpdir(), 'heed-firefox-'));
  const lines = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  await writeFile(path.join(profile, 'user.js'), lines.join('\n'));
  // A group of its own: Firefox starts other processes.
  const browser = spawn(FIREFOX, ['--headless', '--no-remote', '--profile', profile, url], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: '1' },
  });
  const ended = new Promise<void>((resolve) => browser.once('exit', () => resolve()));
  const end = (): void => {
    if (browser.exitCode === null && browser.signalCode === null) process.kill(-browser.pid!, 'SIGKILL');
  };
  // Tests that are interrupted leave no browser behind.
  process.once('exit', end);
  return {
    async close() {
      process.off('exit', end);
      end();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
