import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { type File, Instrumenter } from '@stryker-mutator/instrumenter';
import { transformSync } from 'oxc-transform';

/** One small change of the source. */
export interface Mutant {
  readonly id: string;
  /** The path of the file in its source folder. */
  readonly file: string;
  /** Line number, from 1. */
  readonly line: number;
  /** The line of the source that it begins in. */
  readonly code: string;
  /** Kind of change: Stryker's name of the mutator. */
  readonly mutator: string;
  /** Source text that is replaced, and its replacement. */
  readonly original: string;
  readonly replacement: string;
}

interface Position {
  readonly line: number;
  readonly column: number;
}

const silent = (): void => {};
const off = (): boolean => false;
const log = {
  isTraceEnabled: off,
  isDebugEnabled: off,
  trace: silent,
  debug: silent,
  info: silent,
  warn: silent,
};

/** The folders that {@link instrument} makes: one counts how often each mutant is passed, which makes it slow. */
export const COPIES = { counting: 'counting', plain: 'plain' } as const;

/**
 * Writes copies of a source folder as JavaScript, in which every mutant can be switched on.
 *
 * @param isMutated The files that get mutants; the others are only copied. Tests are left out.
 * @param target Where to write; emptied before. It must lie where what the source imports is found.
 */
export async function instrument(
  source: string,
  isMutated: (file: string) => boolean,
  target: string,
): Promise<readonly Mutant[]> {
  const paths = (await readdir(source, { recursive: true })).map((path) => path.replaceAll(sep, '/'));
  const names = paths.filter((path) => /(?<!\.test)\.ts$/.test(path));
  const files: File[] = await Promise.all(
    names.map(async (name) => {
      return { name, content: await readFile(join(source, name), 'utf8'), mutate: isMutated(name) };
    }),
  );
  // The library requires a logger, whose type is in another package of Stryker's; that does not matter here.
  const options = { plugins: null, excludedMutations: ['StringLiteral'], ignorers: [] };
  const result = await new Instrumenter(log as never).instrument(files, options);

  await rm(target, { recursive: true, force: true });
  for (const { name, content } of result.files) {
    const code = withoutTypes(name, content);
    const file = name.replace(/ts$/, 'js');
    for (const copy of Object.values(COPIES))
      await mkdir(dirname(join(target, copy, file)), { recursive: true });
    await writeFile(join(target, COPIES.counting, file), code);
    await writeFile(join(target, COPIES.plain, file), withoutCounting(code));
  }
  // Those of excluded kinds are listed, but have no switch.
  const switched = result.mutants.filter(({ status }) => status !== 'Ignored');
  return switched.map(({ id, fileName, location, mutatorName, replacement }) => {
    const { content } = files.find(({ name }) => name === fileName)!;
    return {
      id,
      file: fileName,
      line: location.start.line + 1,
      code: content.split('\n')[location.start.line]!.trim(),
      mutator: mutatorName,
      original: content.slice(offsetOf(content, location.start), offsetOf(content, location.end)),
      replacement,
    };
  });
}

/** Makes Stryker's counting function return at once. */
function withoutCounting(code: string): string {
  return code.replace(/function (stryCov_\w+)\(\) \{/, 'function $1() {\n\treturn;');
}

function withoutTypes(name: string, content: string): string {
  const { code, errors } = transformSync(name, content, {
    typescript: { rewriteImportExtensions: 'rewrite' },
  });
  if (errors.length > 0) throw new Error(`${name}: ${errors[0]!.message}`);
  return code;
}

function offsetOf(content: string, { line, column }: Position): number {
  const before = content.split('\n').slice(0, line);
  return before.reduce((length, text) => length + text.length + 1, column);
}
