import { type Capabilities, FEATURES, type Feature, GUARANTEES, OPERATIONS } from '@heed/core';

/** Describes what a backend computes and promises, in a few words: by what it lacks. */
export function describeCapabilities({ features, guarantees }: Capabilities): string {
  const lacking = FEATURES.filter((feature) => !features.includes(feature));
  const open = GUARANTEES.filter((guarantee) => !guarantees.includes(guarantee));
  const count = `${FEATURES.length - lacking.length} of ${FEATURES.length} features`;
  const computes = lacking.length === 0 ? 'every feature' : `${count}, not ${shortened(lacking).join(', ')}`;
  const promises = open.length === 0 ? 'every guarantee' : `not guaranteed: ${open.join(', ')}`;
  return `${computes}; ${promises}`;
}

/** Names the operations besides attention that a backend offers. */
export function describeOperations({ operations = [] }: Capabilities): string {
  if (operations.length === OPERATIONS.length) return 'every operation of a layer';
  return `operations of a layer: ${operations.length === 0 ? 'none' : operations.join(', ')}`;
}

/** Names one kind for all of its features, `cache.*`, or for all but one, if there are several. */
function shortened(features: readonly Feature[]): string[] {
  const kindOf = (feature: Feature): string => feature.split('.', 1)[0]!;
  const nameOf = (feature: Feature): string => {
    const kind = kindOf(feature);
    const all = FEATURES.filter((one) => kindOf(one) === kind);
    const present = all.filter((one) => !features.includes(one));
    if (all.length < 3 || present.length > 1) return feature;
    return present.length === 0 ? `${kind}.*` : `${kind}.* (but ${present[0]!.slice(kind.length + 1)})`;
  };
  return [...new Set(features.map(nameOf))];
}
