import { joined, parseCases } from './parse-cases.ts';
import type { ParsedCases } from './parsed-cases.ts';
import { errorAt } from './place.ts';
import { fileSystem, readText, reading } from './read-text.ts';

/** Names of case files in a folder. Collections of tests often have an index, which is not a case file. */
const CASE_FILE = /^(?!index\.).*\.json(\.gz)?$/i;

/**
 * The cases of files and folders, from the file system: every `*.json` and `*.json.gz` of a folder except
 * `index.json`, in alphabetical order, not those of its subfolders. Formats: see {@link parseCases}.
 *
 * @throws HeedError as {@link parseCases} does; `ARGUMENT` for a path that cannot be read, a folder without case
 * files, a file over 32 MiB (unpacked), or two files with a case of the same id; `UNAVAILABLE` where there are no
 * files.
 */
export async function readCases(paths: string | readonly string[]): Promise<ParsedCases> {
  const seen = new Map<string, string>();
  const parsed: ParsedCases[] = [];
  for (const file of (await Promise.all([paths].flat().map(filesOf))).flat()) {
    const read = parseCases(await readText(file, file), file);
    for (const { id } of read.cases) {
      const other = seen.get(id);
      if (other !== undefined)
        throw errorAt('ARGUMENT', file, `has the case ${id}, which is in ${other} as well`);
      seen.set(id, file);
    }
    parsed.push(read);
  }
  return joined(parsed);
}

async function filesOf(path: string): Promise<string[]> {
  const fs = fileSystem();
  return reading(path, async () => {
    if (!(await fs.stat(path)).isDirectory()) return [path];
    const names = (await fs.readdir(path)).filter((name) => CASE_FILE.test(name)).sort();
    if (names.length === 0)
      throw errorAt('ARGUMENT', path, 'is a folder without case files (*.json, *.json.gz)');
    return names.map((name) => `${path.replace(/[/\\]+$/, '')}/${name}`);
  });
}
