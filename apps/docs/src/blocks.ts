import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Code } from 'mdast';
import remarkParse from 'remark-parse';
import { unified } from 'unified';
import { visit } from 'unist-util-visit';

/** A fenced code block, and where it stands. */
export interface Block {
  /** `packages/core/README.md:12`, relative to the project's root. */
  readonly place: string;
  readonly language: string;
  /** Name of the file that it is, in a program of several: what follows the language. Empty for a program of its own. */
  readonly file: string;
  readonly code: string;
}

/** The code blocks of a folder: those of Markdown files, and those after `@example` in docstrings. */
function blocksOf(root: string): Block[] {
  return filesOf(root).flatMap((file) => {
    const text = readFileSync(path.join(root, file), 'utf8');
    return file.endsWith('.md') ? blocksOfMarkdown(file, text) : blocksOfDocstrings(file, text);
  });
}

function filesOf(root: string): string[] {
  const left = new Set(['node_modules', 'dist', '.git', '.turbo', '.reports', '.blocks', '.changeset']);
  const walk = (folder: string): string[] =>
    readdirSync(path.join(root, folder), { withFileTypes: true })
      .filter(({ name }) => !left.has(name))
      .flatMap((entry) => {
        const file = path.join(folder, entry.name);
        return entry.isDirectory() ? walk(file) : [file];
      });
  // Copies that the site is made of.
  const copies = /^apps\/docs\/site\/(?:api|collected|public)\//;
  return walk('.').filter(
    (file) => /\.md$|\/src\/.*(?<!\.test)\.ts$/.test(file) && !/CHANGELOG/.test(file) && !copies.test(file),
  );
}

function blocksOfMarkdown(file: string, text: string, firstLine = 1): Block[] {
  const blocks: Block[] = [];
  visit(unified().use(remarkParse).parse(text), 'code', (node: Code) => {
    const line = firstLine + (node.position?.start.line ?? 1) - 1;
    blocks.push({
      place: `${file}:${line}`,
      language: node.lang ?? '',
      file: node.meta ?? '',
      code: node.value,
    });
  });
  return blocks;
}

function blocksOfDocstrings(file: string, text: string): Block[] {
  return [...text.matchAll(/\/\*\*[\s\S]*?\*\//g)]
    .filter(([comment]) => comment.includes('@example'))
    .flatMap((match) => {
      const line = text.slice(0, match.index).split('\n').length;
      const markdown = match[0].replaceAll(/^ *(?:\/\*\*|\*\/|\*) ?/gm, '');
      return blocksOfMarkdown(file, markdown, line);
    });
}

/** The root of the project, and all that its documents show. */
export const ROOT: string = path.resolve(import.meta.dirname, '../../..');
export const documented: readonly Block[] = blocksOf(ROOT);

/** Returns the output that `console.log(…); // value` comments promise, in order. */
export function promisedOutput(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm)].map((match) => match[1]!);
}
