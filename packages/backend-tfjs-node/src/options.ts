import { checkOptions } from '@heed/core/backend';

/** @throws HeedError `UNKNOWN_OPTION`, since `create` takes none; `ARGUMENT` for what is not an object. */
export function checkTfjsNodeOptions(options: unknown): void {
  checkOptions('tfjsNode.create()', options, {});
}
