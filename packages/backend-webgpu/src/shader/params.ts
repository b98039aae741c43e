/**
 * Parameters that every kernel reads besides tensors, in the order of the uniform buffer. Lengths and strides are here
 * and not in the code, so that one pipeline serves them all.
 */
const FIELDS = {
  /** The first block and slice of this dispatch: long runs are cut. */
  firstX: 'u32',
  firstY: 'u32',
  heads: 'u32',
  kvHeads: 'u32',
  /** Batch elements of keys and values. */
  kvBatch: 'u32',
  headsPerKv: 'u32',
  /** Query heads whose rows share a block: headsPerKv where there are few rows, else 1. */
  packed: 'u32',
  queryLength: 'u32',
  keyLength: 'u32',
  batch: 'u32',
  /** B · Hq · Lq, or the rows of a linear projection. */
  rows: 'u32',
  outputDim: 'u32',
  /** Keys of one split, and number of splits. */
  splitKeys: 'u32',
  splits: 'u32',
  /** Strides of rows, in the words or vectors that a shader reads; `Base` is what is not bound of the buffer. */
  queryBatch: 'u32',
  queryHead: 'u32',
  queryRow: 'u32',
  queryBase: 'u32',
  keyBatch: 'u32',
  keyHead: 'u32',
  keyRow: 'u32',
  keyBase: 'u32',
  valueBatch: 'u32',
  valueHead: 'u32',
  valueRow: 'u32',
  valueBase: 'u32',
  outputBatch: 'u32',
  outputHead: 'u32',
  outputRow: 'u32',
  outputBase: 'u32',
  maskBatch: 'u32',
  maskHead: 'u32',
  maskRow: 'u32',
  maskKey: 'u32',
  maskBase: 'u32',
  biasBatch: 'u32',
  biasHead: 'u32',
  biasRow: 'u32',
  biasKey: 'u32',
  biasBase: 'u32',
  weightsBase: 'u32',
  keyScaleBase: 'u32',
  valueScaleBase: 'u32',
  /** Keys of a page, and pages of a batch element. */
  pageSize: 'u32',
  pageColumns: 'u32',
  /** Offsets in the table, in words. */
  blockTableAt: 'u32',
  slopesAt: 'u32',
  sinksAt: 'u32',
  querySegmentsAt: 'u32',
  keySegmentsAt: 'u32',
  keyScalesAt: 'u32',
  valueScalesAt: 'u32',
  rowsAt: 'u32',
  /** Offset of dValue behind dKey, in words. */
  dValueAt: 'u32',
  seedLow: 'u32',
  seedHigh: 'u32',
  /** Place of the problem in a larger one, for the counters of noise. */
  originBatch: 'u32',
  originHead: 'u32',
  originQuery: 'u32',
  originKey: 'u32',
  /** Always 0, which a compiler does not know. */
  zero: 'u32',
  /** Dropout: the smallest word of a key that is kept, and 1 / (1 − p). */
  dropThreshold: 'u32',
  keepFactor: 'f32',
  scale: 'f32',
  softcap: 'f32',
} as const;

export type ParamName = keyof typeof FIELDS;

/** Parameters; those that are left out are 0. */
export type Params = Readonly<Partial<Record<ParamName, number>>>;

/** Bytes of the uniform buffer, a multiple of 16. */
export const PARAMS_BYTES: number = Math.ceil(Object.keys(FIELDS).length / 4) * 16;

export const PARAMS_STRUCT: string = `struct Params {
${Object.entries(FIELDS)
  .map(([name, type]) => `  ${name}: ${type},`)
  .join('\n')}
}`;

export function writeParams(view: DataView, at: number, params: Params): void {
  Object.entries(FIELDS).forEach(([name, type], index) => {
    const value = params[name as ParamName] ?? 0;
    if (type === 'f32') view.setFloat32(at + 4 * index, value, true);
    else view.setUint32(at + 4 * index, value >>> 0, true);
  });
}
