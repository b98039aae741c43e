import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';
import { refuseConfig } from './decoder-config.ts';

/**
 * Fields of a configuration, each looked at once: what is left over at the end was not understood, and is refused.
 */
export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #seen = new Set<string>();

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.#fields = fields;
  }

  /** Undefined where the field is not there or null. */
  value(name: string): unknown {
    this.#seen.add(name);
    return this.#fields[name] ?? undefined;
  }

  /** A positive number; the fallback where there is none. */
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

  /** Refuses another value than those that are computed; a field that is not there is the first of them. */
  expect<T>(name: string, ...computed: readonly [T, ...T[]]): T {
    const value = (this.value(name) ?? computed[0]) as T;
    if (computed.includes(value)) return value;
    return refuseConfig(
      `${name} is ${shown(value)}; computed here: ${computed.map(shown).join(', ')}`,
      'take another model; this one would be computed wrongly',
    );
  }

  /** Names that change nothing about what is computed. */
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
