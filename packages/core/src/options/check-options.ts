import { HeedError } from '../error.ts';
import type { OptionKind } from './kinds.ts';
import { kindOf, listed, shown } from './shown.ts';
import { suggestionFor } from './suggestion.ts';

/** Every option of a type, with its kind; `true` if the value is checked elsewhere. The compiler requires them all. */
export type OptionTable<T> = { readonly [Name in keyof T]-?: OptionKind | true };

/**
 * Throws for unknown options, since a misspelled option is not the same as an omitted one, and for values of the wrong
 * kind. An option that is undefined counts as omitted, whatever its name.
 *
 * @param owner in messages: `wasm.create()`.
 * @throws HeedError `UNKNOWN_OPTION` for a name, `ARGUMENT` for a value or for options that are not an object.
 *
 * @example
 * ```ts
 * import { HeedError } from '@heed/core';
 * import { checkOptions, integer } from '@heed/core/backend';
 *
 * const options: { readonly threads?: number } = JSON.parse('{ "thread": 2 }');
 * try {
 *   checkOptions('mine.create()', options, { threads: integer(1, 64) });
 * } catch (error) {
 *   console.log((error as HeedError).message); // mine.create(): unknown option `thread`; did you mean `threads`?
 * }
 * ```
 */
export function checkOptions<T>(owner: string, given: T, table: OptionTable<NonNullable<T>>): void {
  const kinds = table as Readonly<Record<string, OptionKind | true>>;
  if (kindOf(given) !== 'Object') {
    throw new HeedError('ARGUMENT', `${owner}: the options are ${shown(given)}; expected an object`, {
      remedy: `give an object; ${optionsOf(owner, kinds)}`,
    });
  }
  const options = given as Readonly<Record<string, unknown>>;
  checkNames(owner, options, kinds);
  for (const name in kinds) {
    const kind = kinds[name]!;
    if (kind === true) continue;
    const value = options[name];
    if (value === undefined ? !kind.required : kind.accepts(value)) continue;
    throw new HeedError('ARGUMENT', `${owner}: ${name} is ${shown(value)}; expected ${kind.expected}`, {
      ...(kind.clause !== undefined && { clause: kind.clause }),
      remedy: `set ${name} to ${kind.expected}${kind.required ? '' : ', or leave it out'}`,
    });
  }
}

function checkNames(
  owner: string,
  options: Readonly<Record<string, unknown>>,
  kinds: Readonly<Record<string, unknown>>,
): void {
  // Inherited ones, too: options may be derived from others with Object.create.
  for (const name in options) {
    if (Object.hasOwn(kinds, name) || options[name] === undefined) continue;
    throw new HeedError('UNKNOWN_OPTION', `${owner}: unknown option \`${name}\``, {
      remedy: suggestionFor(name, Object.keys(kinds)) ?? `leave out ${name}; ${optionsOf(owner, kinds)}`,
    });
  }
}

function optionsOf(owner: string, kinds: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(kinds);
  return names.length === 0 ? `${owner} takes no options` : `the options are ${listed(names)}`;
}
