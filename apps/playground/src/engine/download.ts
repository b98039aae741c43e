import { HeedError } from '@heed/core';
import type { DownloadProgress } from './reading.ts';

/** Name of the browser's cache for models; the page's own files are in others, which change with it. */
const KEPT = 'models';

/** Returns a file of the server, from this browser's cache where it was fetched before. */
export async function download(
  address: string,
  onProgress: (progress: DownloadProgress) => void,
): Promise<File> {
  const name = address.slice(address.lastIndexOf('/') + 1);
  // Only pages from https or this machine have caches, and not where the browser may keep nothing.
  const cache = 'caches' in globalThis ? await caches.open(KEPT).catch(() => null) : null;
  const kept = await cache?.match(address);
  if (kept !== undefined) return new File([await kept.blob()], name);
  const response = await fetched(address, name);
  const total = Number(response.headers.get('content-length')) || null;
  const parts: BlobPart[] = [];
  let loaded = 0;
  const reader = response.body!.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    loaded += part.value.length;
    onProgress({ loaded, total });
  }
  const file = new File(parts, name);
  // A full disk only costs the next visit another download.
  await cache?.put(address, new Response(file)).catch(() => undefined);
  return file;
}

async function fetched(address: string, name: string): Promise<Response> {
  const remedy = `put ${name} into the folder models beside the page, or choose the file`;
  let response: Response;
  try {
    response = await fetch(address);
  } catch (cause) {
    throw new HeedError('UNAVAILABLE', `${name} cannot be fetched: ${(cause as Error).message}`, {
      cause,
      remedy,
    });
  }
  if (response.ok) return response;
  throw new HeedError('UNAVAILABLE', `${name} cannot be fetched: the server answers ${response.status}`, {
    remedy,
  });
}
