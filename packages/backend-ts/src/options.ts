import { checkOptions } from '@heed/core/backend';

/** @throws HeedError `UNKNOWN_OPTION`: `create` takes no options. */
export function checkTsOptions(options: unknown): void {
  checkOptions('ts.create()', options, {});
}
