import { checkOptions } from '@heed/core/backend';

/** @throws HeedError `UNKNOWN_OPTION`: `create` takes none. */
export function checkTsOptions(options: unknown): void {
  checkOptions('ts.create()', options, {});
}
