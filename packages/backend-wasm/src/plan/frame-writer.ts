import type { AttentionProblem } from '@heed/core';
import { ELEMENT_BYTES, dropoutOf } from '@heed/core/backend';
import { FRAME_BYTES, type IntegerField, integerAt, writeFields } from './frame.ts';
import { type Integers, floatFields, problemFields } from './fields.ts';
import type { Addresses, Plan, TensorName } from './plan.ts';
import { unevenStart } from './variant-of.ts';

const TENSORS = [
  'query',
  'key',
  'value',
  'mask',
  'bias',
  'keyScales',
  'valueScales',
  'blockTable',
  'offsets',
  'keyLengths',
  'keyStarts',
  'queryLengths',
  'querySegments',
  'keySegments',
  'alibiSlopes',
  'sinks',
  'output',
  'weights',
  'logSumExp',
  'rowMax',
  'rowSum',
  'choice',
  'dOutput',
  'dQuery',
  'dKey',
  'dValue',
  'dBias',
  'dSinks',
] as const satisfies readonly TensorName[];

/** Fields that hold addresses, and their offsets in a frame. */
const TENSOR_PLACES = [
  ...TENSORS.map((name) => [name, integerAt(name)] as const),
  ['dBias', integerAt('dBiasResult')] as const,
];

/**
 * Writes the frames of a plan. A frame is made once, and each call puts its addresses into a copy: small calls would
 * otherwise spend most of their time on it.
 *
 * @param constants fields of the pass besides the problem's lengths and strides.
 * @param inScratch fields that hold addresses in the shared scratch, as offsets from its beginning.
 */
export function frameWriter(
  problem: AttentionProblem,
  constants: Integers,
  inScratch: Integers,
): Plan['writeFrame'] {
  const template = new Uint8Array(FRAME_BYTES);
  writeFields(
    new DataView(template.buffer),
    { ...problemFields(problem), ...constants },
    floatFields(problem),
  );
  const scratchPlaces = Object.entries(inScratch).map(
    ([field, offset]) => [integerAt(field as IntegerField), offset] as const,
  );
  const withValues = problem.valueFromKey === null ? (given: Addresses) => given : valuesInKeys(problem);
  return (memory, at, given) => {
    const addresses = withValues(given);
    new Uint8Array(memory.buffer, memory.byteOffset + at, FRAME_BYTES).set(template);
    for (const [name, place] of TENSOR_PLACES) {
      const address = addresses[name];
      if (address !== undefined) memory.setUint32(at + place, address, true);
    }
    for (const [place, offset] of scratchPlaces)
      memory.setUint32(at + place, addresses.scratch + offset, true);
    const { seed, origin } = addresses;
    if (seed !== undefined) {
      const dropout = dropoutOf(problem, { seed });
      const [low, high] = dropout?.key ?? [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
      memory.setUint32(at + integerAt('seedLow'), low, true);
      memory.setUint32(at + integerAt('seedHigh'), high, true);
    }
    if (origin === undefined) return;
    memory.setUint32(at + integerAt('originBatch'), origin.batch, true);
    memory.setUint32(at + integerAt('originHead'), origin.head, true);
    memory.setUint32(at + integerAt('originQuery'), origin.query, true);
    memory.setUint32(at + integerAt('originKey'), origin.key, true);
  };
}

/** Returns a function that gives values, and their scales, the addresses of their parts of the keys. */
function valuesInKeys(problem: AttentionProblem): (addresses: Addresses) => Addresses {
  const { cacheType, groups } = problem;
  // Where it is not whole groups, the code begins at the start of the key.
  const start = unevenStart(problem) === 0 ? problem.valueFromKey!.start : 0;
  const bytes = start * (cacheType === 'int4x2' ? 0.5 : ELEMENT_BYTES[cacheType]);
  return (addresses) => ({
    ...addresses,
    value: addresses.key! + bytes,
    ...(groups && { valueScales: addresses.keyScales! + (4 * start) / groups.key }),
  });
}
