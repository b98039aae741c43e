import { type Capabilities, FEATURES, GUARANTEES } from '@heed/core';

/** Describes what a backend computes and promises, in a few words: by what it lacks. */
export function describeCapabilities({ features, guarantees }: Capabilities): string {
  const lacking = FEATURES.filter((feature) => !features.includes(feature));
  const open = GUARANTEES.filter((guarantee) => !guarantees.includes(guarantee));
  const count = `${FEATURES.length - lacking.length} of ${FEATURES.length} features`;
  const computes = lacking.length === 0 ? 'every feature' : `${count}, not ${lacking.join(', ')}`;
  const promises = open.length === 0 ? 'every guarantee' : `not guaranteed: ${open.join(', ')}`;
  return `${computes}; ${promises}`;
}
