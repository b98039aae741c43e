/**
 * Keeps the whole page, so that it works without a network, and gives every answer the two headers that let a page
 * share memory between threads: a host of static files cannot set them.
 */
declare const FILES_OF_THE_PAGE: readonly string[];

// The DOM's types are those of a page; these are the few additional ones of a service worker.
interface Scope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: string, listener: (event: LifeEvent & RequestEvent) => void): void;
}

interface LifeEvent {
  waitUntil(work: Promise<unknown>): void;
}

interface RequestEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

const scope = globalThis as unknown as Scope;
const files = FILES_OF_THE_PAGE;
const CACHE = `heed-${files
  .join()
  .split('')
  .reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0, 0)}`;

/** Files of the page before it changed; models that were fetched stay. */
function isOld(name: string): boolean {
  return name.startsWith('heed-') && name !== CACHE;
}

scope.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(files))
      .then(() => scope.skipWaiting()),
  );
});

scope.addEventListener('activate', (event) => {
  const old = caches
    .keys()
    .then((names) => Promise.all(names.filter((name) => isOld(name)).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => scope.clients.claim()));
});

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const isOwn = request.method === 'GET' && request.url.startsWith(scope.registration.scope);
  if (isOwn) event.respondWith(answer(request));
});

async function answer(request: Request): Promise<Response> {
  const cached = await caches.match(request, { ignoreSearch: true });
  const response = cached ?? (await fetch(request));
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
