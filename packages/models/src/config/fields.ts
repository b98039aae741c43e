import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import { refuseConfig } from './decoder-config.ts';

/**
 * Fields of a configuration, each read once: those left over at the end are unknown, and are refused.
 */
export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #seen = new Set<string>();

  /** @throws HeedError `ARGUMENT` for what is not an object, such as the text of a file. */
  constructor(fields: unknown) {
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
      throw new HeedError('ARGUMENT', `the configuration is ${shown(fields)}; expected an object`, {
        clause: 'models.config',
        remedy:
          'give { config, weights } with the parsed file, JSON.parse(text), or what openGGUF() returned, awaited',
      });
    }
    this.#fields = fields as Readonly<Record<string, unknown>>;
  }

  /** Reads a value; undefined if the field is missing or null. */
  value(name: string): unknown {
    this.#seen.add(name);
    return this.#fields[name] ?? undefined;
  }

  /** Reads a positive number; the fallback if the field is missing. */
  number(name: string, fallback?: number): number {
    const value = this.value(name) ?? fallback;
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
    return malformed(name, value, 'a number > 0');
  }

  count(name: string, fallback?: number): number {
    const value = this.number(name, fallback);
    return Number.isSafeInteger(value) ? value : malformed(name, value, 'a whole number');
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.value(name) ?? fallback;
    return typeof value === 'boolean' ? value : malformed(name, value, 'true or false');
  }

  /** Reads a list; an empty one if the field is missing. */
  list(name: string): readonly unknown[] {
    const value = this.value(name) ?? [];
    return Array.isArray(value) ? value : malformed(name, value, 'a list');
  }

  /** Refuses a value that is not supported; a missing field is the first of those that are. */
  expect<T>(name: string, ...computed: readonly [T, ...T[]]): T {
    const value = (this.value(name) ?? computed[0]) as T;
    if (computed.includes(value)) return value;
    return refuseConfig(
      `${name} is ${shown(value)}; computed here: ${computed.map(shown).join(', ')}`,
      'take another model; this one would be computed wrongly',
    );
  }

  /** Ignores fields that do not change the computation. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#seen.add(name);
  }

  /** @throws HeedError `UNSUPPORTED` for a field that nobody asked for. */
  finish(where: string): void {
    const left = Object.keys(this.#fields).filter(
      (name) => !this.#seen.has(name) && this.#fields[name] !== null,
    );
    if (left.length === 0) return;
    refuseConfig(
      `${where} has ${left.join(', ')}, whose meaning is unknown here`,
      'remove a field only if you know that it does not change what the model computes',
    );
  }
}

function malformed(name: string, value: unknown, expected: string): never {
  throw new HeedError('ARGUMENT', `${name} is ${shown(value)}; expected ${expected}`, {
    clause: 'models.config',
    remedy: `give the configuration as the model's page has it`,
  });
}
