import { checkOptions } from '@heed/core/backend';

/** @throws HeedError `UNKNOWN_OPTION`, since `create` takes none; `ARGUMENT` for what is not an object. */
export function checkTsOptions(options: unknown): void {
  checkOptions('ts.create()', options, {});
}
