/** Names of a new backend. */
export interface BackendName {
  /** Name in the provider: `tiny-gpu`. */
  readonly name: string;
  /** Name of the package: `heed-backend-tiny-gpu`, or `@someone/heed-backend-tiny-gpu`. */
  readonly packageName: string;
  readonly folder: string;
}

const PREFIX = 'heed-backend-';
const WORD = '[a-z0-9][a-z0-9-]*';
const SHAPE = new RegExp(`^(?:(?<scope>@${WORD})/)?(?:${PREFIX})?(?<name>${WORD})$`);

/**
 * Reads a name, with or without a scope and the prefix `heed-backend-`. Null if it is not valid: the name becomes part
 * of a package name, a folder and a string of the program.
 */
export function backendName(text: string): BackendName | null {
  const { scope, name } = SHAPE.exec(text)?.groups ?? {};
  if (name === undefined || text.length > 100) return null;
  const folder = `${PREFIX}${name}`;
  return { name, folder, packageName: scope === undefined ? folder : `${scope}/${folder}` };
}
