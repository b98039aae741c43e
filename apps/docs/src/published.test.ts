import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Image, Link } from 'mdast';
import remarkParse from 'remark-parse';
import { unified } from 'unified';
import { visit } from 'unist-util-visit';
import { describe, expect, test } from 'vitest';
import { ROOT, documented } from './blocks.ts';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly files?: readonly string[];
  readonly repository?: { readonly url: string; readonly directory?: string };
  readonly homepage?: string;
  readonly bugs?: unknown;
}

const MANIFESTS = filesOf('package.json')
  .filter((file) => file !== 'package.json' && !file.includes('/template/'))
  .map((file) => ({ folder: path.dirname(file), manifest: manifestAt(file) }))
  .filter(({ manifest }) => manifest.private !== true);

/** Published packages, but for those that are one file for one platform. */
const PACKAGES = MANIFESTS.filter(({ folder }) => existsSync(path.join(ROOT, folder, 'README.md')));
const CLAUSES = new Set(
  [...readFileSync(path.join(ROOT, 'conformance/SPEC.md'), 'utf8').matchAll(/^### (.+)$/gm)].map(
    ([, clause]) => clause!.toLowerCase(),
  ),
);
const NAMES = new Set(PACKAGES.map(({ manifest }) => manifest.name));

function filesLike(pattern: string): string[] {
  const words = ['ls-files', '--cached', '--others', '--exclude-standard', pattern];
  return execFileSync('git', words, { cwd: ROOT, encoding: 'utf8' }).split('\n');
}

function filesOf(name: string): string[] {
  return filesLike(`*${name}`).filter((file) => path.basename(file) === name);
}

function manifestAt(file: string): Manifest {
  return JSON.parse(readFileSync(path.join(ROOT, file), 'utf8')) as Manifest;
}

/** Returns whether npm packs a file of a package. */
function isShipped({ files = [] }: Manifest, file: string): boolean {
  return ['README.md', 'package.json', ...files].some(
    (entry) => file === entry || file.startsWith(`${entry}/`),
  );
}

/** Returns the links and pictures of a document. */
function linksOf(file: string): string[] {
  const links: string[] = [];
  const tree = unified().use(remarkParse).parse(readFileSync(file, 'utf8'));
  visit(tree, ['link', 'image'], (node) => void links.push((node as Link | Image).url));
  return links;
}

describe('a document of a package leads nowhere but into the package and to addresses', () => {
  const documents = PACKAGES.flatMap(({ folder, manifest }) =>
    ['README.md', ...(manifest.files ?? []).filter((file) => file.endsWith('.md'))].map(
      (file) => [path.join(folder, file), folder, manifest] as const,
    ),
  );
  test.each(documents)('%s', (document, folder, manifest) => {
    const dead = linksOf(path.join(ROOT, document)).filter((link) => {
      const npm = /^https:\/\/www\.npmjs\.com\/package\/(@heed\/[^#]+|create-heed-backend)(?:#(.+))?$/.exec(
        link,
      );
      // With a place: a clause of the specification, which is in that package.
      if (npm !== null) return !NAMES.has(npm[1]!) || (npm[2] !== undefined && !CLAUSES.has(npm[2]));
      if (/^(?:https?:|#)/.test(link)) return false;
      const [place = ''] = link.split('#');
      const target = path.join(path.dirname(document), place);
      return !existsSync(path.join(ROOT, target)) || !isShipped(manifest, path.relative(folder, target));
    });
    expect(dead).toEqual([]);
  });
});

test.each(PACKAGES.map(({ folder, manifest }) => [manifest.name, folder, manifest] as const))(
  'scripts of %s import what is packed with them, and READMEs name scripts that are packed',
  (name, folder, manifest) => {
    const scripts = filesLike(`${folder}/*.mjs`)
      .map((file) => path.relative(folder, file))
      .filter((file) => isShipped(manifest, file));
    const imported = scripts.flatMap((script) => {
      const code = readFileSync(path.join(ROOT, folder, script), 'utf8');
      const names = [...code.matchAll(/(?:from |import\()'(\.\.?\/[^']+)'/g)].map(([, target]) => target!);
      return names.map((target) => path.join(path.dirname(script), target));
    });
    const named = PACKAGES.flatMap((other) => {
      const text = readFileSync(path.join(ROOT, other.folder, 'README.md'), 'utf8');
      const commands = [...text.matchAll(/node node_modules\/(@heed\/[\w-]+)\/([\w./-]+)/g)];
      return commands.filter(([, owner]) => owner === name).map(([, , script]) => script!);
    });
    const isThere = (file: string): boolean =>
      isShipped(manifest, file) && existsSync(path.join(ROOT, folder, file));
    expect([...imported, ...named].filter((file) => !isThere(file))).toEqual([]);
  },
);

test.each(PACKAGES.map(({ folder, manifest }) => [manifest.name, folder] as const))(
  'the README of %s says how to install what its programs import',
  (name, folder) => {
    const blocks = documented.filter(({ place }) => place.startsWith(`${folder}/README.md:`));
    const imported = blocks
      .filter(({ language }) => language === 'ts')
      .flatMap(({ code }) => [...code.matchAll(/from '((?:@[\w-]+\/)?[\w.-]+)(?:\/[\w./-]+)?'/g)])
      .map(([, specifier]) => specifier!);
    const text = readFileSync(path.join(ROOT, folder, 'README.md'), 'utf8');
    const installed = [...text.matchAll(/npm install ([^\n`#]+)/g)].flatMap(([, words]) => words!.split(' '));
    const left = [...new Set(imported)].filter(
      (specifier) => !installed.some((word) => word.replace(/(?<=.)@[\d.]+$/, '') === specifier),
    );
    expect(left, name).toEqual([]);
  },
);

/** The repository's address is written once, in the package.json of the root. While it has none, no package has one. */
test.each(MANIFESTS.map(({ folder, manifest }) => [manifest.name, folder, manifest] as const))(
  '%s has the license and the addresses of the repository',
  (_, folder, manifest) => {
    const root = manifestAt('package.json');
    expect(manifest.license).toBe(root.license);
    expect(manifest.homepage).toEqual(root.homepage);
    expect(manifest.bugs).toEqual(root.bugs);
    expect(manifest.repository).toEqual(root.repository && { ...root.repository, directory: folder });
  },
);

test('a compiled file names no map, since maps without their sources make bundlers complain', () => {
  const base = JSON.parse(readFileSync(path.join(ROOT, 'tsconfig.base.json'), 'utf8')) as {
    compilerOptions: Record<string, unknown>;
  };
  expect(base.compilerOptions).toMatchObject({ sourceMap: false, declarationMap: false });
});
