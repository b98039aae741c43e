import { type Capabilities, FEATURES, type Feature, GUARANTEES } from '@heed/core';

/** Describes what a backend computes and promises, in a few words: by what it lacks. */
export function describeCapabilities({ features, guarantees }: Capabilities): string {
  const lacking = FEATURES.filter((feature) => !features.includes(feature));
  const open = GUARANTEES.filter((guarantee) => !guarantees.includes(guarantee));
  const count = `${FEATURES.length - lacking.length} of ${FEATURES.length} features`;
  const computes = lacking.length === 0 ? 'every feature' : `${count}, not ${shortened(lacking).join(', ')}`;
  const promises = open.length === 0 ? 'every guarantee' : `not guaranteed: ${open.join(', ')}`;
  return `${computes}; ${promises}`;
}

/** Names one kind for all of its features, `cache.*`, if all of several are there. */
function shortened(features: readonly Feature[]): string[] {
  const kindOf = (feature: Feature): string => feature.split('.', 1)[0]!;
  const isWhole = (kind: string): boolean => {
    const all = FEATURES.filter((feature) => kindOf(feature) === kind);
    return all.length > 2 && all.every((feature) => features.includes(feature));
  };
  const names = features.map((feature) => (isWhole(kindOf(feature)) ? `${kindOf(feature)}.*` : feature));
  return [...new Set(names)];
}
