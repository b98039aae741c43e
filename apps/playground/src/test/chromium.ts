import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { absence as absenceOfChromium, isRequired, launch as launchChromium } from '@heed/testing';
import type { Browser } from 'playwright-core';

/** Reason that the tests in a browser cannot run, with the remedy; null if they can, or must. */
export const absence: string | null = isRequired() ? null : absenceOfChromium;

/** Starts Chromium with WebGPU: software WebGPU counts as unsafe. */
export const launch = (): Promise<Browser> => launchChromium(['--enable-unsafe-webgpu']);

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
};

export interface Host {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves static files on the loopback interface without custom headers, like the simplest hosts.
 *
 * @param folder may change from one request to the next.
 * @param instead what is served in place of a file's own bytes, by the beginning of its name.
 */
export async function serve(
  folder: string | (() => string),
  instead: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<Host> {
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url ?? '/', 'http://localhost');
    const file = path.join(
      typeof folder === 'string' ? folder : folder(),
      path.normalize(pathname.endsWith('/') ? `${pathname}index.html` : pathname),
    );
    const other = Object.keys(instead).find((name) => path.basename(file).startsWith(name));
    if (other === undefined && (!existsSync(file) || !statSync(file).isFile()))
      return void response.writeHead(404).end();
    // Backends of third parties come from elsewhere.
    const headers = { 'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream' };
    return void response
      .writeHead(200, { ...headers, 'Access-Control-Allow-Origin': '*' })
      .end(other === undefined ? readFileSync(file) : instead[other]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
