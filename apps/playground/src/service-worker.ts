/**
 * Keeps the whole page, so that it works without a network, and gives every answer the two headers that let a page
 * share memory between threads: a host of static files cannot set them. After an update, tabs that are open keep the files of
 * their version, which the host may have no more.
 */
declare const FILES_OF_THE_PAGE: readonly string[];

// The DOM's types are those of a page; these are the few additional ones of a service worker.
interface Scope {
  readonly registration: { readonly scope: string; readonly installing: unknown; readonly waiting: unknown };
  readonly clients: {
    claim(): Promise<void>;
    matchAll(options: { type: 'window'; includeUncontrolled: true }): Promise<readonly unknown[]>;
  };
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
  event.waitUntil(deleteOld().then(() => scope.clients.claim()));
});

/** Deletes the files of earlier versions, unless a tab is open, which may be one of them, or a later one arrives. */
async function deleteOld(): Promise<void> {
  const tabs = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const { installing, waiting } = scope.registration;
  if (tabs.length > 0 || installing !== null || waiting !== null) return;
  const names = await caches.keys();
  await Promise.all(names.filter((name) => isOld(name)).map((name) => caches.delete(name)));
}

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const isOwn = request.method === 'GET' && request.url.startsWith(scope.registration.scope);
  if (!isOwn) return;
  // The tab that is about to open does not count yet: it gets this version.
  if (request.mode === 'navigate') event.waitUntil(deleteOld());
  event.respondWith(answer(request));
});

async function answer(request: Request): Promise<Response> {
  const ignoreSearch = { ignoreSearch: true };
  const current = await (await caches.open(CACHE)).match(request, ignoreSearch);
  const cached = current ?? (await caches.match(request, ignoreSearch));
  const response = cached ?? (await fetch(request));
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
