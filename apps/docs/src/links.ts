import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Returns the HTML files of a folder, from that folder. */
export function pagesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.html') && !file.startsWith('playground'),
  );
}

/** Returns the links and pictures of a page that lead to nothing in the site: no file, or no such place in it. */
export function deadLinksOf(folder: string, page: string): string[] {
  const html = readFileSync(path.join(folder, page), 'utf8');
  return [...html.matchAll(/ (?:href|src)="([^"]+)"/g)]
    .map(([, link]) => link!.replaceAll('&amp;', '&'))
    .filter((link) => !/^(https?:|data:|mailto:)/.test(link))
    .filter((link) => !leadsSomewhere(folder, page, link));
}

function leadsSomewhere(folder: string, page: string, link: string): boolean {
  const { pathname, hash } = new URL(link, `http://site/${page}`);
  const place = decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname);
  const file = [place, `${place}.html`]
    .map((name) => path.join(folder, name))
    .find((name) => existsSync(name) && path.extname(name) !== '');
  if (file === undefined) return false;
  if (hash === '' || !file.endsWith('.html')) return true;
  const id = decodeURIComponent(hash.slice(1));
  return idsOf(file).has(id);
}

const ids = new Map<string, ReadonlySet<string>>();

/** Returns the ids of a page, which is read once for all links to it. */
function idsOf(file: string): ReadonlySet<string> {
  const known = ids.get(file);
  if (known !== undefined) return known;
  const found = new Set(Array.from(readFileSync(file, 'utf8').matchAll(/ id="([^"]*)"/g), ([, id]) => id!));
  ids.set(file, found);
  return found;
}
