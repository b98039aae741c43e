import { existsSync } from 'node:fs';
import path from 'node:path';
import type { MarkdownRenderer } from 'vitepress';
import { pageOf } from './pages.ts';

const SITE = path.resolve(import.meta.dirname, '..');
const ROOT = path.resolve(SITE, '../../..');

/** The part of a page's environment that links need. */
interface Environment {
  /** The document itself, wherever its page is. */
  readonly realPath?: string;
  readonly path: string;
}

/**
 * Links between documents are written for readers of the repository. Here they become links between pages, and what has
 * no page, such as a source file, is left as words.
 */
export function linksBetweenDocuments(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('links-between-documents', ({ tokens, env }) => {
    const { path: page, realPath: document = page } = env as Environment;
    for (const { children } of tokens) {
      let dropped = 0;
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const href = token.attrGet('href') ?? '';
          const target = targetOf(document, href);
          if (target === null) {
            token.hidden = true;
            token.type = 'text';
            token.content = '';
            token.tag = '';
            dropped++;
          } else {
            token.attrSet('href', target);
          }
        } else if (token.type === 'link_close' && dropped > 0) {
          token.type = 'text';
          token.content = '';
          token.tag = '';
          dropped--;
        }
      }
    }
  });
}

/** Returns the address of what a document links to; null for what the site does not show. */
function targetOf(document: string, href: string): string | null {
  const npm = /^https:\/\/www\.npmjs\.com\/package\/(@heed\/[^#]+|create-heed-backend)(#.+)?$/.exec(href);
  if (npm !== null) {
    const [, name, clause] = npm;
    // Only the specification is linked to by place.
    if (clause !== undefined) return `/${pageOf('collected/conformance/SPEC.md')}${clause}`;
    return `/${pageOf(`collected/${folderOf(name!)}/README.md`)}`;
  }
  if (href.startsWith('#') || href.startsWith('/') || /^[a-z]+:/.test(href)) return href;
  const [place = '', anchor] = href.split('#');
  const meant = siteFile(path.resolve(path.dirname(document), decodeURI(place)));
  const file = meant.endsWith('.md') ? meant : path.join(meant, 'README.md');
  if (file === 'collected/README.md') return '/';
  if (file === 'collected/apps/playground/README.md') return '/playground/index.html';
  if (!existsSync(path.join(SITE, file))) return null;
  return `/${pageOf(file)}${anchor === undefined ? '' : `#${anchor}`}`;
}

/** Returns the folder of a published package. */
function folderOf(name: string): string {
  const short = name.replace('@heed/', '');
  const folders = ['packages', 'apps', 'conformance', '.'].map((parent) => path.join(parent, short));
  return folders.find((folder) => existsSync(path.join(ROOT, folder, 'package.json'))) ?? '';
}

/** Returns the site's file of a document of the repository, from the site's root. */
function siteFile(document: string): string {
  const inSite = path.relative(SITE, document);
  if (!inSite.startsWith('..')) return inSite.replace(/^collected\/apps\/docs\/site\//, '');
  return path.join('collected', path.relative(ROOT, document));
}
