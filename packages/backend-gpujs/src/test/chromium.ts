import { existsSync, readFileSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Page, chromium } from 'playwright-core';
import { rolldown } from 'rolldown';

/** Path of Chromium: that of Debian's package, or from the environment. */
export const CHROMIUM: string = process.env['HEED_CHROMIUM'] ?? '/usr/bin/chromium';

/** Reason why the tests in a browser cannot run, with the remedy; null if they can. */
export const absence: string | null = existsSync(CHROMIUM)
  ? null
  : `there is no Chromium at ${CHROMIUM} (apt-get install chromium, or set HEED_CHROMIUM)`;

export interface OpenPage {
  readonly page: Page;
  close(): Promise<void>;
}

/**
 * A page, served from the loopback, that runs the built packages from a bundler for browsers.
 *
 * @param policy its content security policy; none by default.
 */
export async function openPage(policy?: string): Promise<OpenPage> {
  if (absence !== null) throw new Error(absence);
  const files = await bundle(fileURLToPath(new URL('../../dist/test/page.js', import.meta.url)));
  const server = createServer((request, response) => {
    if (policy !== undefined) response.setHeader('Content-Security-Policy', policy);
    answer(files, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    // Software WebGPU counts as unsafe.
    args: ['--no-sandbox', '--enable-unsafe-webgpu'],
  });
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.waitForFunction(() => window.verifyMode !== undefined);
  return {
    page,
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bundle(entry: string): Promise<Map<string, string>> {
  const build = await rolldown({ input: entry, platform: 'browser' });
  const { output } = await build.generate({ format: 'esm' });
  await build.close();
  return new Map(
    output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : String(file.source)]),
  );
}

const CASES = path.dirname(createRequire(import.meta.url).resolve('@heed/conformance/package.json'));

function answer(
  files: ReadonlyMap<string, string>,
  { url }: IncomingMessage,
  response: ServerResponse,
): void {
  // With these, the page may share memory between threads.
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  const code = files.get(url ?? '');
  if (code !== undefined) {
    response.setHeader('Content-Type', 'text/javascript').end(code);
  } else if (url?.startsWith('/cases/')) {
    response.end(readFileSync(path.join(CASES, path.normalize(url))));
  } else {
    response
      .setHeader('Content-Type', 'text/html')
      .end('<!doctype html><script type=module src=/page.js></script>');
  }
}
