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

/** Reason that tests in a browser cannot run, with the remedy; null if they can. */
export const absence: string | null = existsSync(CHROMIUM)
  ? null
  : `there is no Chromium at ${CHROMIUM} (apt-get install chromium, or set HEED_CHROMIUM)`;

export interface OpenPage {
  readonly page: Page;
  close(): Promise<void>;
}

/** Options of a page. */
export interface PageOptions {
  /** Flags of Chromium. */
  readonly flags?: readonly string[];
  /** The host of its address. Any name leads to the loopback; only `127.0.0.1` is a secure context. */
  readonly host?: string;
}

/** Software WebGPU counts as unsafe. */
export const SOFTWARE_WEBGPU = '--enable-unsafe-webgpu';

/** A page, served from the loopback, that runs the built packages as a bundler for browsers puts them together. */
export async function openPage({ flags = [], host = '127.0.0.1' }: PageOptions): Promise<OpenPage> {
  if (absence !== null) throw new Error(absence);
  const files = await bundle(fileURLToPath(new URL('../../dist/test/page.js', import.meta.url)));
  const server = createServer((request, response) => answer(files, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--host-resolver-rules=MAP * 127.0.0.1', ...flags],
  });
  const page = await browser.newPage();
  await page.goto(`http://${host}:${port}/`);
  await page.waitForFunction(() => window.verifyClause !== undefined);
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
