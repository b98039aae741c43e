import { type Declarations, type Source, readDeclarations } from './declarations.ts';

/**
 * Returns the public API of an entry point as one text: its exports, and every declaration that they name, in the order
 * of their names and without comments. It changes when the API does, and not when code moves between files.
 */
export function apiReport(entry: string): string {
  const files = new Map<string, Declarations>();
  const declarationsOf = (file: string): Declarations => {
    if (!files.has(file)) files.set(file, readDeclarations(file));
    return files.get(file)!;
  };

  /** Follows re-exports to the file that declares a name. */
  const declared = (source: Source): Source => {
    if (source.kind !== 'name') return source;
    const { local, imports, exports, stars } = declarationsOf(source.file);
    if (local.has(source.name)) return source;
    // An exported import has the same name in both.
    const next = imports.get(source.name) ?? exports.get(source.name);
    if (next !== undefined) return declared(next);
    const star = stars.find((file) => exportsOf(file).has(source.name));
    if (star === undefined) throw new Error(`${source.file} does not declare ${source.name}`);
    return declared({ ...source, file: star });
  };

  const exportsOf = (file: string): Map<string, Source> => {
    const { exports, stars } = declarationsOf(file);
    return new Map([...stars.flatMap((star) => [...exportsOf(star)]), ...exports]);
  };

  const texts = new Map<string, string>();
  const add = (source: Source): string => {
    if (source.kind === 'package') return `${source.name} of ${source.specifier}`;
    if (source.kind === 'namespace') {
      for (const each of exportsOf(source.file).values()) add(declared(each));
      return `a namespace`;
    }
    const { local, imports } = declarationsOf(source.file);
    const key = `${source.name}\n${source.file}`;
    if (texts.has(key)) return source.name;
    const text = local.get(source.name)!;
    texts.set(key, text);
    for (const [word] of text.matchAll(/[A-Za-z_$][\w$]*/g)) {
      if (local.has(word)) add({ ...source, name: word });
      else if (imports.has(word)) add(declared(imports.get(word)!));
    }
    return source.name;
  };

  const exported = [...exportsOf(entry)].sort(byName).map(([name, source]) => {
    const found = add(declared(source));
    return name === found ? `//   ${name}` : `//   ${name}: ${found}`;
  });
  const declarations = [...texts].sort(byName).map(([, text]) => text);
  return `// exports\n${exported.join('\n')}\n\n${declarations.join('\n\n')}\n`;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
