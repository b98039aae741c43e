import { checkOptions } from '@heed/core/backend';

/**
 * Unknown options must be refused. Write yours here: `{ threads: integer(1, 64) }`, with `integer` of
 * `@heed/core/backend`; their type then takes the place of `unknown` here and of `void` in the provider.
 *
 * @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`.
 */
export function checkBackendOptions(options: unknown): void {
  checkOptions('three-loops.create()', options, {});
}
