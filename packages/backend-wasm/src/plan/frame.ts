import { type Code, type Variable, f64, i32 } from '@heed/core/wasm';

/** Numbers that kernels read from memory, since modules must not depend on them. Addresses and strides in bytes. */
const INTEGERS = [
  'query',
  'queryBatch',
  'queryHead',
  'queryRow',
  'key',
  'keyBatch',
  'keyHead',
  'keyRow',
  'value',
  'valueBatch',
  'valueHead',
  'valueRow',
  'output',
  'outputBatch',
  'outputHead',
  'outputRow',
  'heads',
  'kvHeads',
  /** Query heads that read one key/value head. */
  'headGroup',
  'queryLength',
  'keyLength',
  /** Query rows that read one key/value head. */
  'rows',
  /** Blocks that they are cut into. */
  'blocks',
  'blockRows',
  /** Splits that the keys are cut into, and the number of keys of each. */
  'splits',
  'splitKeys',
  /** Tiles of keys. */
  'tiles',
  /** Key/value heads whose packed keys lie in the scratch at one time. */
  'slots',
  'packedKey',
  'packedKeySlot',
  'packedValue',
  'packedValueSlot',
  'nonFinite',
  'nonFiniteSlot',
  'partials',
  'keyRows',
  'keyRowsSlot',
  /** Parts that the blocks of the gradient are dealt out to, each of which has sums of its own. */
  'chunks',
  /** Sums of dKey, dValue, dBias and dSinks, and bytes from one chunk's to the next. */
  'keySums',
  'keySumsChunk',
  'valueSums',
  'valueSumsChunk',
  'biasSums',
  'biasSumsChunk',
  'biasSumsHead',
  'sinkSums',
  /** The same of dKey and dValue over the elements of a batch that share keys, and bytes from one key/value head to the next. */
  'keyTotals',
  'keyTotalsHead',
  'valueTotals',
  'valueTotalsHead',
  'batch',
  /** Key/value heads in all. */
  'allHeads',
  'keyScales',
  'keyScalesBatch',
  'keyScalesHead',
  'keyScalesRow',
  'valueScales',
  'valueScalesBatch',
  'valueScalesHead',
  'valueScalesRow',
  'blockTable',
  /** Pages of an element of the batch. */
  'tableColumns',
  /** 1 if keys and values are read ahead. */
  'readsAhead',
  'offsets',
  'keyLengths',
  'keyStarts',
  'queryLengths',
  'mask',
  'maskBatch',
  'maskHead',
  'maskRow',
  'bias',
  'biasBatch',
  'biasHead',
  'biasRow',
  'querySegments',
  'keySegments',
  'alibiSlopes',
  'sinks',
  'logSumExp',
  'rowMax',
  'rowSum',
  'weights',
  'choice',
  'dOutput',
  'dQuery',
  'dKey',
  'dValue',
  'dBias',
  'dBiasBytes',
  /** The tensor itself, where `dBias` has the sums of a 16-bit type. */
  'dBiasResult',
  'dSinks',
  'seedLow',
  'seedHigh',
  'originBatch',
  'originHead',
  'originQuery',
  'originKey',
  /** Words below it drop a weight. */
  'dropThreshold',
] as const;

const FLOATS = ['scale', 'softcap', 'left', 'right', 'kept'] as const;

export type IntegerField = (typeof INTEGERS)[number];
export type FloatField = (typeof FLOATS)[number];

export const FRAME_BYTES: number = 8 * FLOATS.length + 4 * INTEGERS.length;

const floatAt = (field: FloatField): number => 8 * FLOATS.indexOf(field);
/** Offset of an integer in a frame. */
export const integerAt = (field: IntegerField): number => 8 * FLOATS.length + 4 * INTEGERS.indexOf(field);

/** Code that reads the frame at an address. */
export interface Frame {
  integer(field: IntegerField): Code<'i32'>;
  float(field: FloatField): Code<'f64'>;
}

export function frameAt(address: Variable<'i32'>): Frame {
  return {
    integer: (field) => i32.load(address, integerAt(field)),
    float: (field) => f64.load(address, floatAt(field)),
  };
}

/** Writes a frame; integers that are left out are 0. */
export function writeFields(
  memory: DataView,
  integers: Readonly<Partial<Record<IntegerField, number>>>,
  floats: Readonly<Record<FloatField, number>>,
): void {
  for (const field of FLOATS) memory.setFloat64(floatAt(field), floats[field], true);
  for (const field of INTEGERS) memory.setUint32(integerAt(field), integers[field] ?? 0, true);
}
