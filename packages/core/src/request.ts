import { checkInputs } from './check-inputs.ts';
import { broadcastShape, cacheTypesOf, checkProblem } from './check-problem.ts';
import { HeedError } from './error.ts';
import { computeDType } from './float16.ts';
import type { AttentionInputs, Origin } from './inputs.ts';
import { knownProblem } from './known-problems.ts';
import { integer, number, required } from './options/kinds.ts';
import type { AlignmentKind, AttentionProblem, CacheType, Layout, OutputName, Selection } from './problem.ts';
import { type OptionTable, checkOptions } from './options/check-options.ts';
import { kindOf, shown } from './options/shown.ts';
import { perBatch } from './per-batch.ts';
import { type FloatDType, type PerBatch, type ResidentTensor, type Tensor, checkTensor } from './tensor.ts';
import { type Slot, type TensorLike, isFloat, toTensor } from './tensor-like.ts';

/** Requested results: flags that add, and `output: false`, which omits the output. */
export interface RequestedResults {
  /** Default true. */
  readonly output?: boolean | undefined;
  /** Default false. */
  readonly weights?: boolean | undefined;
  /** Default false. */
  readonly logSumExp?: boolean | undefined;
  /** Row maximum and row sum. Default false. */
  readonly statistics?: boolean | undefined;
  /** Keys that hard attention chose. Default false. */
  readonly choice?: boolean | undefined;
}

/**
 * One call of attention: the tensors and the options together. Shapes are in {@link AttentionInputs}.
 *
 * @typeParam T type of a tensor: anything tensor-like, by default.
 */
export interface AttentionRequest<T = TensorLike> extends RequestedResults {
  readonly query: T;
  /**
   * Has the query's element type, or a 16-bit one beside a float32 query; and its batch, or batch 1, which all elements
   * read.
   */
  readonly key: T;
  /** Has the key's element type and batch. Required, unless `valueFromKey` is given. */
  readonly value?: T | undefined;
  /** Default `bhld`. */
  readonly layout?: Layout | undefined;
  /** Default 1 / √D. */
  readonly scale?: number | undefined;
  /** c of c · tanh(score / c), applied before bias and mask. Default: none. */
  readonly softcap?: number | null | undefined;
  /** Default false. */
  readonly causal?: boolean | undefined;
  /** Local attention: keys from p − left to p + right, inclusive. A side that is omitted or null is unbounded. */
  readonly window?:
    | { readonly left?: number | null | undefined; readonly right?: number | null | undefined }
    | null
    | undefined;
  /**
   * Position of query row i among the keys. Causal, window and alibi require it if Lq ≠ Lk, where libraries disagree on
   * the default. With Lq = Lk the default is `topLeft`.
   */
  readonly alignment?: 'topLeft' | 'bottomRight' | { readonly offset: number | PerBatch } | undefined;
  /** float32, for keys of int8 or int4x2: `quantize()` makes both. */
  readonly keyScales?: T | undefined;
  readonly valueScales?: T | undefined;
  /**
   * int32 `[B, pages of an element]`: key and value are pools of pages `[pages, Hkv, page size, D]`, and these are the
   * pages of each batch element, in order. −1 stands for keys that do not exist.
   */
  readonly blockTable?: T | undefined;
  /** Key j lies at j mod Lk: a cache as long as the window, overwritten in turn. Needs `keyLengths`. Default false. */
  readonly ring?: boolean | undefined;
  /** Each value is a part of its key's row, stored once, as in multi-head latent attention. Then there is no `value`. */
  readonly valueFromKey?: { readonly start: number; readonly length: number } | null | undefined;
  /**
   * Boolean: true may attend. Float: added, −∞ excludes. Aligned at the right: `[Hq, Lq, Lk]` is one for each head; one for
   * each batch element is `[B, 1, Lq, Lk]`.
   */
  readonly mask?: T | undefined;
  readonly bias?: T | undefined;
  /** Keys at and past the length of their batch element do not exist. Default Lk. */
  readonly keyLengths?: PerBatch | undefined;
  /** Keys before the start of their batch element do not exist, as in left-padded batches. Default 0. */
  readonly keyStarts?: PerBatch | undefined;
  /** Query rows at and past the length of their batch element are empty. Default Lq. */
  readonly queryLengths?: PerBatch | undefined;
  /** Segment ids: rows attend only to keys with the same id. Both or neither. */
  readonly querySegments?: T | undefined;
  readonly keySegments?: T | undefined;
  readonly alibiSlopes?: T | undefined;
  readonly sinks?: T | undefined;
  /** Soft attention (`softmax`, the default), or hard: `argmax`, or `sample` with a seed. */
  readonly selection?: Selection | undefined;
  /** For selection `sample`: an integer, 0 ≤ seed < 2⁵³. */
  readonly seed?: number | undefined;
  /**
   * For selection `sample` and for dropout: the place of this request in a larger one, which has the same noise there.
   * Default 0.
   */
  readonly origin?: Partial<Origin> | undefined;
  /**
   * Dropout of the weights in training (Srivastava et al., JMLR 2014): each becomes 0 with the probability, 0 ≤ p < 1, the
   * others are multiplied by 1 / (1 − p), before they meet the values. The seed, an integer, 0 ≤ seed < 2⁵³, determines
   * which: use another for each step. Weights that are asked for are those before dropout. Default: none.
   */
  readonly dropout?: { readonly probability: number; readonly seed: number } | null | undefined;
  /** Default false. */
  readonly gradient?: boolean | undefined;
}

/**
 * Splits a request into the problem, in its one normal form, and the inputs of the run.
 *
 * @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT`, `MISSING_INPUT` or `ALIGNMENT_REQUIRED`.
 */
export function resolveRequest(request: AttentionRequest): {
  problem: AttentionProblem;
  inputs: AttentionInputs;
} {
  checkRequest(request);
  const layout = request.layout ?? 'bhld';
  const tensors = tensorsOf(request);
  const [batch, heads, queryLength, headDim] = axesOf('query', tensors.query, layout);
  const [parts, kvHeads, partLength] = axesOf('key', tensors.key, layout);
  const [, , , valueElements] = axesOf('value', tensors.value, layout);
  const cacheType = cacheTypeOf(tensors);
  const { valueFromKey = null } = request;
  const apartDim = tensors.value.dtype === 'int4x2' ? 2 * valueElements : valueElements;
  const valueDim = valueFromKey === null ? apartDim : valueFromKey.length;
  const columns = columnsOf(tensors);
  const keyLength = columns === null ? partLength : columns * partLength;
  const window = boundedWindow(request);
  const positional = Boolean(request.causal) || window !== null || isGiven(request.alibiSlopes);
  checkAlignment(request.alignment);
  const alignment = positional ? alignmentOf(request, queryLength, keyLength) : null;
  const selection = request.selection ?? 'softmax';
  const dropout = dropoutOf(request);
  const origin = isGiven(request.origin) ? originOf(request.origin) : null;
  // Without dropout there is no noise, and an origin changes nothing.
  const hasOrigin = origin !== null && !(isGiven(request.dropout) && dropout === null);

  const full = [batch, heads, queryLength, keyLength];

  const checked = checkProblem({
    batch,
    heads,
    kvHeads,
    kvBatch: parts === 1 && columns === null ? 1 : batch,
    queryLength,
    keyLength,
    headDim,
    valueDim,
    dtype: tensors.query.dtype as FloatDType,
    cacheType,
    groups: groupsOf(tensors, { cacheType, headDim, valueDim }, layout),
    pages: columns === null ? null : { count: parts, size: partLength },
    ring: request.ring ?? false,
    valueFromKey,
    layout,
    scale: request.scale ?? 1 / Math.sqrt(headDim),
    softcap: request.softcap ?? null,
    alignment,
    causal: request.causal ?? false,
    window,
    mask: tensors.mask
      ? {
          kind: tensors.mask.dtype === 'bool' ? 'boolean' : 'float',
          shape: broadcastShape('mask', tensors.mask.shape, full),
        }
      : null,
    bias: tensors.bias ? { shape: broadcastShape('bias', tensors.bias.shape, full) } : null,
    lengths: {
      key: isGiven(request.keyLengths),
      keyStart: isGiven(request.keyStarts),
      query: isGiven(request.queryLengths),
    },
    segments: isGiven(request.querySegments) || isGiven(request.keySegments),
    alibi: isGiven(request.alibiSlopes),
    sinks: isGiven(request.sinks),
    selection,
    origin: hasOrigin,
    dropout: dropout?.probability ?? null,
    outputs: outputsOf(request),
    gradient: request.gradient ?? false,
  });
  const problem = knownProblem(checked);

  const inputs: AttentionInputs = {
    ...(tensors as AttentionInputs),
    ...(alignment === 'offset' && { offsets: offsetsOf(request, batch) }),
    ...(isGiven(request.keyLengths) && { keyLengths: perBatch('keyLengths', request.keyLengths) }),
    ...(isGiven(request.keyStarts) && { keyStarts: perBatch('keyStarts', request.keyStarts) }),
    ...(isGiven(request.queryLengths) && { queryLengths: perBatch('queryLengths', request.queryLengths) }),
    ...(isGiven(request.seed) && { seed: request.seed }),
    ...(dropout && { seed: dropout.seed }),
    ...(hasOrigin && { origin }),
  };
  checkInputs(problem, inputs);
  return { problem, inputs };
}

const OPTIONS: OptionTable<AttentionRequest> = {
  query: true,
  key: true,
  value: true,
  keyScales: true,
  valueScales: true,
  blockTable: true,
  ring: true,
  valueFromKey: true,
  layout: true,
  scale: true,
  softcap: true,
  causal: true,
  window: true,
  alignment: true,
  mask: true,
  bias: true,
  keyLengths: true,
  keyStarts: true,
  queryLengths: true,
  querySegments: true,
  keySegments: true,
  alibiSlopes: true,
  sinks: true,
  selection: true,
  seed: true,
  origin: true,
  dropout: true,
  output: true,
  weights: true,
  logSumExp: true,
  statistics: true,
  choice: true,
  gradient: true,
};

function checkRequest(request: AttentionRequest | undefined): asserts request {
  if (typeof request !== 'object' || request === null || 'shape' in request) {
    const given = typeof request === 'object' && request !== null ? 'a tensor' : String(request);
    throw new HeedError('ARGUMENT', `the request is ${given}; expected an object`, {
      clause: 'shape',
      remedy: 'call attention(backend, { query, key, value })',
    });
  }
  checkOptions('attention()', request, OPTIONS);
}

/** Converts null to undefined: JavaScript callers may pass null for none. */
function isGiven<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

type RequestTensors = Omit<
  AttentionInputs,
  'offsets' | 'keyLengths' | 'keyStarts' | 'queryLengths' | 'seed' | 'origin' | 'blockTable'
> & { readonly blockTable?: Tensor | ResidentTensor };

const SLOTS = {
  query: 'float',
  key: 'float',
  value: 'float',
  keyScales: 'float',
  valueScales: 'float',
  blockTable: 'int32',
  mask: 'mask',
  bias: 'float',
  querySegments: 'int32',
  keySegments: 'int32',
  alibiSlopes: 'float',
  sinks: 'float',
} as const satisfies Record<keyof RequestTensors, Slot>;

/** Every tensor-like value of a request as a tensor: nested arrays of numbers take the element type of the query. */
function tensorsOf(request: AttentionRequest): RequestTensors {
  const tensors: Partial<Record<keyof RequestTensors, Tensor | ResidentTensor>> = {};
  checkValue(request);
  for (const [name, slot] of Object.entries(SLOTS) as [keyof RequestTensors, Slot][]) {
    const given = name === 'value' && isGiven(request.valueFromKey) ? tensors.key : request[name];
    if (isGiven(given)) {
      tensors[name] = toTensor(name, given, slot, floatsOf(name, tensors));
    } else if (name === 'query' || name === 'key' || name === 'value') {
      throw new HeedError('MISSING_INPUT', `${name} is missing`, {
        clause: 'shape',
        remedy: 'give query, key and value',
      });
    }
  }
  return tensors as RequestTensors;
}

/** Element type of nested numbers: the query's, that of its scores where the input has that type, a value's the key's. */
function floatsOf(name: keyof RequestTensors, { query, key }: Partial<RequestTensors>): FloatDType {
  const dtype = (name === 'value' ? key : query)?.dtype ?? 'float32';
  if (!isFloat(dtype) || name === 'keyScales' || name === 'valueScales') return 'float32';
  return name === 'alibiSlopes' || name === 'sinks' ? computeDType(dtype) : dtype;
}

/** A value comes from one place. */
function checkValue({ value, valueFromKey }: AttentionRequest): void {
  if (!isGiven(valueFromKey)) return;
  if (kindOf(valueFromKey) !== 'Object') {
    throw new HeedError('ARGUMENT', `valueFromKey is ${shown(valueFromKey)}; expected { start, length }`, {
      clause: 'valueFromKey',
      remedy: 'write { start: 0, length: 512 } for the first 512 numbers of a key',
    });
  }
  checkOptions('valueFromKey', valueFromKey, { start: required(integer(0)), length: required(integer(1)) });
  if (!isGiven(value)) return;
  throw new HeedError('UNEXPECTED_INPUT', 'value is given, valueFromKey says that it is a part of the key', {
    clause: 'valueFromKey',
    remedy: 'leave out one of them',
  });
}

/** Dropout of a request, checked; null for none, also with a probability of 0. */
function dropoutOf({ dropout, seed }: AttentionRequest): { probability: number; seed: number } | null {
  if (!isGiven(dropout)) return null;
  if (kindOf(dropout) !== 'Object') {
    throw new HeedError('ARGUMENT', `dropout is ${shown(dropout)}; expected { probability, seed }`, {
      clause: 'dropout',
      remedy: 'write { probability: 0.1, seed: step }, with another seed in each step',
    });
  }
  const clause = 'dropout';
  checkOptions('dropout', dropout, {
    probability: {
      ...required(number('a number ≥ 0 and < 1', (value) => value >= 0 && value < 1)),
      clause,
    },
    seed: { ...required(integer(0, Number.MAX_SAFE_INTEGER)), clause },
  });
  if (isGiven(seed)) {
    throw new HeedError('UNEXPECTED_INPUT', "seed requires selection: 'sample'; dropout has its own", {
      clause,
      remedy: 'leave out seed',
    });
  }
  return dropout.probability === 0 ? null : { ...dropout };
}

function originOf(origin: Partial<Origin>): Origin {
  const index = integer(0, 2 ** 31 - 1);
  checkOptions('origin', origin, { batch: index, head: index, query: index, key: index });
  const { batch = 0, head = 0, query = 0, key = 0 } = origin;
  return { batch, head, query, key };
}

/** The type of the keys where keys of a problem may have it; else the problem's, which the keys then do not match. */
function cacheTypeOf({ query, key }: RequestTensors): CacheType {
  const dtype = query.dtype as FloatDType;
  return cacheTypesOf(dtype).find((type) => type === key.dtype) ?? dtype;
}

/** Pages of a batch element; null where keys and values are not in pages. */
function columnsOf({ blockTable }: RequestTensors): number | null {
  if (blockTable === undefined) return null;
  const { shape } = blockTable;
  if (shape.length === 2) return shape[1]!;
  throw new HeedError('SHAPE', `blockTable is [${shape.join(', ')}]; expected [B, pages of an element]`, {
    clause: 'pages',
    remedy: 'give a row of page numbers for each batch element, −1 where it has no page',
  });
}

function groupsOf(
  { keyScales, valueScales }: RequestTensors,
  { cacheType, headDim, valueDim }: Pick<AttentionProblem, 'cacheType' | 'headDim' | 'valueDim'>,
  layout: Layout,
): AttentionProblem['groups'] {
  // Scales that do not belong to floats, and those that are missing, are found with the other inputs.
  if (cacheType !== 'int8' && cacheType !== 'int4x2') return null;
  const groupOf = (name: string, scales: Tensor | ResidentTensor | undefined, depth: number): number =>
    scales === undefined ? depth : depth / axesOf(name, scales, layout)[3];
  return {
    key: groupOf('keyScales', keyScales, headDim),
    value: groupOf('valueScales', valueScales, valueDim),
  };
}

/** The names of the results that a request asks for. */
function outputsOf(request: AttentionRequest): OutputName[] {
  const flag = (name: OutputName, byDefault: boolean): boolean => {
    const value = request[name] ?? byDefault;
    if (typeof value === 'boolean') return value;
    throw new HeedError('ARGUMENT', `${name} is ${shown(value)}; expected true or false`, {
      clause: 'shape',
      remedy: `set ${name} to true or false, or leave it out`,
    });
  };
  const asked = OUTPUT_NAMES.filter((name) => flag(name, name === 'output'));
  if (asked.length > 0) return asked;
  throw new HeedError('ARGUMENT', 'output is false and no other result is asked for', {
    clause: 'shape',
    remedy: 'ask for one, such as weights: true',
  });
}

const OUTPUT_NAMES: readonly OutputName[] = ['output', 'weights', 'logSumExp', 'statistics', 'choice'];

/** The lengths [B, H, L, D] of a tensor in either layout. */
function axesOf(
  name: string,
  value: Tensor | ResidentTensor,
  layout: Layout,
): readonly [number, number, number, number] {
  const { shape } = value;
  if (shape.length !== 4) {
    const inOrder = (l: unknown, ...[b, h, d]: readonly unknown[]): string =>
      `[${(layout === 'bhld' ? [b, h, l, d] : [b, l, h, d]).join(', ')}]`;
    const [length, width] = shape.slice(-2);
    // Of rank 2 or 3.
    const batch = [0, 0, 1, shape[0]][shape.length];
    throw new HeedError(
      'SHAPE',
      `${name} is [${shape.join(', ')}]; expected ${inOrder('L', 'B', 'H', 'D')}`,
      {
        clause: 'shape',
        remedy: `give it four axes${batch ? `, such as ${inOrder(length, batch, 1, width)}` : ''}`,
      },
    );
  }
  const [batch, second, third, depth] = shape as [number, number, number, number];
  return layout === 'blhd' ? [batch, third, second, depth] : [batch, second, third, depth];
}

function boundedWindow({ window }: AttentionRequest): AttentionProblem['window'] {
  if (!isGiven(window)) return null;
  if (kindOf(window) !== 'Object') {
    throw new HeedError('ARGUMENT', `window is ${shown(window)}; expected { left, right }`, {
      clause: 'window',
      remedy: 'write { left: 2, right: 0 } for two keys before the position and none after it',
    });
  }
  checkOptions('window', window, { left: true, right: true });
  const left = window.left ?? null;
  const right = window.right ?? null;
  return left === null && right === null ? null : { left, right };
}

function alignmentOf(request: AttentionRequest, queryLength: number, keyLength: number): AlignmentKind {
  const alignment = request.alignment ?? null;
  if (alignment === null && queryLength !== keyLength) {
    throw new HeedError(
      'ALIGNMENT_REQUIRED',
      `causal, window and alibi need to know where the ${queryLength} queries stand among the ${keyLength} keys`,
      {
        clause: 'alignment',
        remedy:
          "set alignment: 'topLeft' (PyTorch, JAX), 'bottomRight' (flash-attn; decoding with a cache), or { offset }",
      },
    );
  }
  if (alignment === null) return 'topLeft';
  return typeof alignment === 'object' ? 'offset' : alignment;
}

/** Checks the alignment even if nothing needs it: a mistake would otherwise show later. */
function checkAlignment(alignment: AttentionRequest['alignment'] | null): void {
  if (!isGiven(alignment) || alignment === 'topLeft' || alignment === 'bottomRight') return;
  if (kindOf(alignment) !== 'Object') {
    throw new HeedError(
      'ARGUMENT',
      `alignment is ${shown(alignment)}; expected topLeft, bottomRight or { offset }`,
      { clause: 'alignment', remedy: "set alignment to 'topLeft', 'bottomRight' or { offset }" },
    );
  }
  const { offset } = alignment as { readonly offset: number | PerBatch };
  checkOptions('alignment', alignment as { readonly offset: number | PerBatch }, { offset: true });
  const name = 'alignment.offset';
  if (typeof offset === 'number') perBatch(name, [offset]);
  else checkTensor(name, perBatch(name, offset));
}

function offsetsOf(request: AttentionRequest, batch: number): Tensor<'int32'> {
  const { offset } = request.alignment as { offset: number | PerBatch };
  const offsets = typeof offset === 'number' ? Array.from({ length: batch }, () => offset) : offset;
  return perBatch('alignment.offset', offsets);
}
