import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BackendName } from './name.ts';

const PACKAGE = path.resolve(import.meta.dirname, '..');
const TEMPLATE = path.join(PACKAGE, 'template');

/** npm leaves these out of packages, or reads them where they stand. */
const RENAMED: Readonly<Record<string, string>> = {
  _gitignore: '.gitignore',
  '_package.json': 'package.json',
};

/**
 * Writes a new backend package to a folder.
 *
 * @returns the files that were written, relative to the folder.
 * @throws Error when the folder is there and not empty; then nothing was written.
 */
export function createBackend(folder: string, names: BackendName): string[] {
  // Not recursive: Node's recursive mkdir never ends where nothing can be created, as below /proc.
  if (!existsSync(folder)) mkdirSync(folder);
  if (readdirSync(folder).length > 0) throw new Error(`${folder} is not empty`);
  const files = readdirSync(TEMPLATE, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const filled = filler(names);
  return files.map((entry) => {
    const place = path.relative(TEMPLATE, entry.parentPath);
    const file = path.join(place, RENAMED[entry.name] ?? entry.name);
    mkdirSync(path.join(folder, place), { recursive: true });
    const text = readFileSync(path.join(entry.parentPath, entry.name), 'utf8');
    writeFileSync(path.join(folder, file), filled(text));
    return file;
  });
}

/** The template is itself a package that compiles: it names a backend `three-loops`. */
function filler({ name, packageName }: BackendName): (text: string) => string {
  const ranges = developmentRanges();
  // In one pass: a name may itself have the template's in it.
  return (text) =>
    text.replaceAll(
      /(heed-backend-)?three-loops|"range of (.+?)"/g,
      (_, prefix: string | undefined, dependency: string | undefined) => {
        if (dependency !== undefined) return JSON.stringify(ranges[dependency]);
        return prefix === undefined ? name : packageName;
      },
    );
}

/** Versions that this package was released and tested with. */
function developmentRanges(): Readonly<Record<string, string>> {
  const manifest = JSON.parse(readFileSync(path.join(PACKAGE, 'package.json'), 'utf8')) as {
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  return manifest.devDependencies;
}
