import { readFileSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** A site on the loopback. */
export interface Site {
  /** Address of its page, on 127.0.0.1, which is a secure context. */
  readonly url: string;
  close(): Promise<void>;
}

/** Headers of the pages of a site. */
export interface Headers {
  /** True if they may share memory between threads. */
  readonly isolated?: boolean;
  readonly contentSecurityPolicy?: string;
}

export interface SiteOptions extends Headers {
  /** The folder of a package's compiled files, such as `new URL('../../dist/', import.meta.url)`. */
  readonly dist: URL;
  /** Files of that folder: `/page.js`, which the page runs, is made of `test/page.js`. */
  readonly entries?: readonly string[];
  /** Other files, by their paths; `/` is the page, unless it is one that does nothing but run `/page.js`. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Receives a post of a page: the last part of the path, and the body. */
  readonly onPost?: (name: string, body: string) => void;
}

/** Serves, from the loopback, a page with the built packages as a bundler for browsers puts them together. */
export async function openSite({
  dist,
  entries = ['test/page.js'],
  files: others = {},
  onPost = () => undefined,
  isolated = false,
  contentSecurityPolicy,
}: SiteOptions): Promise<Site> {
  const files = new Map([...Object.entries(others), ...(await bundle(dist, entries))]);
  const server: Server = createServer((request, response) => {
    if (isolated) {
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    }
    if (contentSecurityPolicy !== undefined) {
      response.setHeader('Content-Security-Policy', contentSecurityPolicy);
    }
    if (request.method === 'POST') void receive(request, response, onPost);
    else answer(files, request.url ?? '', response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Bundles and minifies, names included: source for workers has to survive it. */
async function bundle(dist: URL, entries: readonly string[]): Promise<Map<string, string>> {
  const input = entries.map((entry) => fileURLToPath(new URL(entry, dist)));
  const build = await rolldown({ input, platform: 'browser' });
  const { output } = await build.generate({ format: 'esm', minify: true });
  await build.close();
  return new Map(
    output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : String(file.source)]),
  );
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  onPost: (name: string, body: string) => void,
): Promise<void> {
  onPost(path.basename(request.url ?? ''), await text(request));
  response.end();
}

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.gguf': 'application/octet-stream',
};

const CASES = path.dirname(createRequire(import.meta.url).resolve('@heed/conformance/package.json'));

function answer(
  files: ReadonlyMap<string, string | Uint8Array>,
  url: string,
  response: ServerResponse,
): void {
  const file = files.get(url);
  if (file !== undefined) {
    response.setHeader('Content-Type', TYPES[path.extname(url)] ?? 'text/html').end(file);
  } else if (url.startsWith('/cases/')) {
    response.end(readFileSync(path.join(CASES, path.normalize(url))));
  } else {
    response
      .setHeader('Content-Type', 'text/html')
      .end('<!doctype html><script type=module src=/page.js></script>');
  }
}
