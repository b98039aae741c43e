import { checkOptions } from '@heed/core/backend';

/** @throws HeedError `UNKNOWN_OPTION`: `create` takes none. */
export function checkTfjsNodeOptions(options: unknown): void {
  checkOptions('tfjsNode.create()', options, {});
}
