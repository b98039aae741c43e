import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Statement, parseSync } from 'oxc-parser';

/** Source of a name: a declaration of a file, everything of a file (`import * as`), or another package. */
export type Source =
  | { readonly kind: 'name'; readonly file: string; readonly name: string }
  | { readonly kind: 'namespace'; readonly file: string }
  | { readonly kind: 'package'; readonly specifier: string; readonly name: string };

/** One parsed declaration file. Overloads of a function are one declaration. */
export interface Declarations {
  /** Texts of declarations, without comments, by local name. */
  readonly local: ReadonlyMap<string, string>;
  readonly imports: ReadonlyMap<string, Source>;
  /** Exports of the file, by exported name. */
  readonly exports: ReadonlyMap<string, Source>;
  /** Files of which everything is exported. */
  readonly stars: readonly string[];
}

/** Reads a file that `tsc` wrote with isolatedDeclarations: only the forms that occur there are known. */
export function readDeclarations(file: string): Declarations {
  const text = readFileSync(file, 'utf8');
  const { program, comments, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`);
  const bare = comments.reduce((left, { start, end }) => left.fill(' ', start, end), [...text]);
  const source = (from: string | undefined, name: string): Source => sourceOf(file, from, name);

  const local = new Map<string, string>();
  const imports = new Map<string, Source>();
  const exports = new Map<string, Source>();
  const stars: string[] = [];

  const declare = (statement: Statement, node: { readonly start: number; readonly end: number }): void => {
    for (const name of namesOf(statement)) {
      const words = bare
        .slice(node.start, node.end)
        .join('')
        .replaceAll(/[ \t]+\n/g, '\n')
        .replaceAll(/\n{2,}/g, '\n');
      local.set(name, [...(local.has(name) ? [local.get(name)!] : []), words.trim()].join('\n'));
    }
  };

  for (const node of program.body) {
    if (node.type === 'ImportDeclaration') {
      for (const specifier of node.specifiers) {
        const from = node.source.value;
        if (specifier.type === 'ImportNamespaceSpecifier') {
          imports.set(specifier.local.name, { kind: 'namespace', file: resolved(file, from) });
        } else {
          const name = specifier.type === 'ImportDefaultSpecifier' ? 'default' : nameOf(specifier.imported);
          imports.set(specifier.local.name, source(from, name));
        }
      }
    } else if (node.type === 'ExportNamedDeclaration' && node.declaration !== null) {
      declare(node.declaration as Statement, node);
      for (const name of namesOf(node.declaration as Statement)) exports.set(name, source(undefined, name));
    } else if (node.type === 'ExportNamedDeclaration') {
      for (const specifier of node.specifiers) {
        exports.set(nameOf(specifier.exported), source(node.source?.value, nameOf(specifier.local)));
      }
    } else if (node.type === 'ExportAllDeclaration') {
      stars.push(resolved(file, node.source.value));
    } else if (node.type === 'ExportDefaultDeclaration') {
      if (node.declaration.type === 'Identifier')
        exports.set('default', source(undefined, node.declaration.name));
      else local.set('default', bare.slice(node.start, node.end).join(''));
    } else {
      declare(node as Statement, node);
    }
  }
  return { local, imports, exports, stars };
}

function sourceOf(file: string, from: string | undefined, name: string): Source {
  if (from === undefined) return { kind: 'name', file, name };
  return from.startsWith('.')
    ? { kind: 'name', file: resolved(file, from), name }
    : { kind: 'package', specifier: from, name };
}

function resolved(file: string, specifier: string): string {
  return path.resolve(path.dirname(file), specifier).replace(/(?:\.d)?\.[jt]s$/, '.d.ts');
}

function nameOf(node: { readonly type: string; readonly name?: string; readonly value?: unknown }): string {
  return node.name ?? String(node.value);
}

function namesOf(statement: Statement): string[] {
  if (statement.type === 'VariableDeclaration') {
    return statement.declarations.map(({ id }) => (id.type === 'Identifier' ? id.name : ''));
  }
  const { id } = statement as { readonly id?: { readonly name?: string } | null };
  return id?.name === undefined ? [] : [id.name];
}
