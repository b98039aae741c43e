import { HeedError } from './error.ts';
import { type OptionTable, checkOptions } from './options/check-options.ts';
import { integer } from './options/kinds.ts';
import { kindOf, shown } from './options/shown.ts';
import type {
  AttentionProblem,
  BroadcastShape,
  CacheType,
  Layout,
  OutputName,
  Selection,
} from './problem.ts';
import type { FloatDType } from './tensor.ts';
import { computeDType } from './float16.ts';

const FLOATS: readonly FloatDType[] = ['float32', 'float64', 'float16', 'bfloat16'];
const OUTPUTS: readonly OutputName[] = ['output', 'weights', 'logSumExp', 'statistics', 'choice'];

function refuse(clause: string, message: string, remedy: string): never {
  throw new HeedError('ARGUMENT', message, { clause, remedy });
}

/** Well within float32, so that an engine may round it, square it, or divide by it. */
function isInRange(factor: unknown): boolean {
  return typeof factor === 'number' && 2 ** -64 <= factor && factor <= 2 ** 64;
}

function isScale(scale: unknown): boolean {
  return scale === 0 || (typeof scale === 'number' && isInRange(Math.abs(scale)));
}

function checkOneOf<T>(name: string, value: T, allowed: readonly T[], clause: string): T {
  if (!allowed.includes(value)) {
    const choices = allowed.join(', ');
    refuse(clause, `${name} is ${shown(value)}; expected ${choices}`, `set ${name} to one of ${choices}`);
  }
  return value;
}

function checkCount(name: string, value: number, minimum: number): number {
  if (!Number.isSafeInteger(value) || value < minimum) {
    throw new HeedError('SHAPE', `${name} is ${shown(value)}; expected an integer ≥ ${minimum}`, {
      clause: 'shape',
      remedy: `set ${name} to the length of its axis`,
    });
  }
  return value;
}

/** The element types that keys and values of a problem may have, its own first. */
export function cacheTypesOf(dtype: FloatDType): readonly CacheType[] {
  const smaller: readonly CacheType[] =
    computeDType(dtype) === 'float32' ? ['float16', 'bfloat16', 'int8', 'int4x2'] : [];
  return [dtype, ...smaller.filter((type) => type !== dtype)];
}

function checkCacheType({ cacheType, dtype }: AttentionProblem): CacheType {
  const known = cacheTypesOf(dtype);
  if (known.includes(cacheType)) return cacheType;
  const expected = known.join(', ');
  throw new HeedError(
    'DTYPE',
    `key and value are ${typeof cacheType === 'string' ? cacheType : shown(cacheType)}, query is ${dtype}; expected ${expected}`,
    { clause: 'cache', remedy: `give key and value as ${expected}` },
  );
}

/** Numbers of a quantized row that share a scale, unless all do. */
const GROUP = 32;

function checkGroups(problem: AttentionProblem): AttentionProblem['groups'] {
  const { cacheType, groups, headDim, valueDim, valueFromKey } = problem;
  const isQuantized = cacheType === 'int8' || cacheType === 'int4x2';
  const given = checkMember('groups', groups, '{ key, value }');
  if (!isQuantized || given === null) {
    if (isQuantized === (given !== null)) return null;
    return refuse(
      'cache',
      `groups is ${shown(groups)}, key and value are ${cacheType}; expected ${isQuantized ? '{ key, value }' : 'null'}`,
      'give scales with int8 and int4x2, and with no other type',
    );
  }
  return {
    key: checkGroup('key', given.key, headDim, cacheType),
    // A value inside a key has its scales.
    value: valueFromKey ? given.key : checkGroup('value', given.value, valueDim, cacheType),
  };
}

function checkGroup(name: 'key' | 'value', group: number, depth: number, cacheType: CacheType): number {
  const letter = name === 'key' ? 'D' : 'Dv';
  if (cacheType === 'int4x2' && depth % 2 === 1) {
    throw new HeedError('SHAPE', `${name} is int4x2, ${letter} is ${depth}; expected an even ${letter}`, {
      clause: 'cache',
      remedy: 'use int8: an element of int4x2 holds two numbers',
    });
  }
  if (group === depth || (group === GROUP && depth % GROUP === 0)) return group;
  throw new HeedError(
    'SHAPE',
    `${shown(group)} numbers of ${name} share a scale; expected ${letter}=${depth}${depth % GROUP === 0 ? `, or ${GROUP}` : ''}`,
    {
      clause: 'cache',
      remedy: 'quantize(tensor, type, { group }) makes numbers and scales that go together',
    },
  );
}

function checkPages({ pages, keyLength }: AttentionProblem): AttentionProblem['pages'] {
  const given = checkMember('pages', pages, '{ count, size }');
  if (given === null) return null;
  const count = checkCount('pages.count', given.count, 1);
  const size = checkCount('pages.size', given.size, 1);
  if (keyLength % size === 0) return { count, size };
  throw new HeedError('SHAPE', `Lk=${keyLength} is not a multiple of the page size ${size}`, {
    clause: 'pages',
    remedy: 'set Lk to the columns of the block table times the page size',
  });
}

function checkRing({ ring, pages, lengths }: AttentionProblem): boolean {
  if (!checkFlag('ring', ring)) return false;
  if (pages !== null) refuse('ring', 'a ring has no pages', 'leave out the block table, or the ring');
  if (!lengths?.key) {
    refuse(
      'ring',
      'a ring requires keyLengths',
      'give the number of keys so far: it says which are in the ring',
    );
  }
  return true;
}

function checkValueFromKey(problem: AttentionProblem): AttentionProblem['valueFromKey'] {
  const { headDim, valueDim } = problem;
  const given = checkMember('valueFromKey', problem.valueFromKey, '{ start, length }');
  if (given === null) return null;
  checkOptions('valueFromKey', given, { start: integer(0, headDim - 1), length: integer(1, headDim) });
  const { start, length } = given;
  if (start + length <= headDim && length === valueDim) return { start, length };
  throw new HeedError(
    'SHAPE',
    `valueFromKey is ${start} to ${start + length}; expected a part of D=${headDim} of Dv=${valueDim}`,
    { clause: 'valueFromKey', remedy: 'start + length is at most D, and Dv is the length' },
  );
}

function checkOrigin({ origin, selection, dropout }: AttentionProblem): boolean {
  if (!checkFlag('origin', origin) || selection === 'sample' || dropout) return origin;
  return refuse(
    'origin',
    "origin requires selection: 'sample', or dropout",
    'leave it out: nothing else has noise',
  );
}

function checkDropout({ dropout, selection }: AttentionProblem): number | null {
  if (dropout === null || dropout === 0) return null;
  if (typeof dropout !== 'number' || !(dropout > 0 && dropout < 1)) {
    const given = shown(dropout);
    refuse(
      'dropout',
      `dropout is ${given}; expected a probability, 0 ≤ p < 1, or null`,
      'give the share of the weights that become 0',
    );
  }
  if (selection === 'softmax') return dropout;
  return refuse(
    'dropout',
    `dropout requires selection: 'softmax'; selection is ${selection}`,
    'leave out dropout: hard attention takes one value',
  );
}

/** Refuses gradients of forms that only serve decoding. */
function checkDifferentiable({ gradient, groups, pages, ring, valueFromKey }: AttentionProblem): void {
  const form = groups
    ? 'quantized keys'
    : pages
      ? 'pages'
      : ring
        ? 'a ring'
        : valueFromKey
          ? 'values inside keys'
          : null;
  if (!gradient || form === null) return;
  throw new HeedError('NOT_DIFFERENTIABLE', `attention over ${form} has no gradient`, {
    clause: 'gradient',
    remedy: 'train with keys and values of floats, one row for each batch element',
  });
}

function checkKvBatch({ kvBatch, batch, pages }: AttentionProblem): number {
  if (kvBatch === batch || (kvBatch === 1 && !pages)) return kvBatch;
  throw new HeedError('SHAPE', `kvBatch is ${shown(kvBatch)}; expected B=${batch}${pages ? '' : ', or 1'}`, {
    clause: 'cache',
    remedy: 'give each batch element its keys and values, or all of them the same ones',
  });
}

function checkFlag(name: string, value: boolean): boolean {
  return checkOneOf(name, value, [true, false], 'shape');
}

/** Returns a member that is an object, or null if there is none. */
function checkMember<T extends object>(name: string, value: T | null, expected: string): T | null {
  if (value === null || kindOf(value) === 'Object') return value;
  return refuse(
    name,
    `${name} is ${shown(value)}; expected ${expected}`,
    `set ${name} to ${expected}, or to null`,
  );
}

function checkBroadcast(name: string, shape: BroadcastShape, full: readonly number[]): BroadcastShape {
  if (!Array.isArray(shape) || shape.length !== 4) refuseBroadcast(name, shape, full);
  return broadcastShape(name, shape, full);
}

/**
 * Returns the shape of a right-aligned mask or bias with all four axes.
 *
 * @throws HeedError `SHAPE`, with the shape as it was given.
 */
export function broadcastShape(
  name: string,
  shape: readonly number[],
  full: readonly number[],
): BroadcastShape {
  const missing = 4 - shape.length;
  if (missing < 0 || !shape.every((length, axis) => length === 1 || length === full[missing + axis])) {
    refuseBroadcast(name, shape, full);
  }
  return [...Array<number>(missing).fill(1), ...shape] as unknown as BroadcastShape;
}

function refuseBroadcast(name: string, shape: unknown, full: readonly number[]): never {
  const [b, h, q, k] = full;
  // One for each batch element, or for the heads of all of them in a row.
  const [first, ...rest] = Array.isArray(shape) ? shape : [];
  const heads = first === b ? 1 : first === b! * h! && h;
  const isMeant = heads && [`${k}`, `${q},${k}`].includes(rest.join());
  throw new HeedError(
    'SHAPE',
    `${name} is ${shown(shape)}, which does not broadcast to [B=${b}, Hq=${h}, Lq=${q}, Lk=${k}]`,
    {
      clause: name,
      remedy: isMeant
        ? `give it with the shape [${b}, ${heads}, ${rest.length === 2 ? q : 1}, ${k}]`
        : 'make each length 1 or the full one; shorter shapes align at the right',
    },
  );
}

function checkWindowSide(name: string, value: number | null): number | null {
  if (value !== null && (!Number.isSafeInteger(value) || value < 0)) {
    const expected = 'an integer ≥ 0, or null for unbounded';
    refuse('window', `window.${name} is ${shown(value)}; expected ${expected}`, `set ${name} to ${expected}`);
  }
  return value;
}

function checkWindow(given: AttentionProblem['window']): AttentionProblem['window'] {
  const window = checkMember('window', given, '{ left, right }');
  if (window === null) return null;
  const left = checkWindowSide('left', window.left);
  const right = checkWindowSide('right', window.right);
  return left === null && right === null ? null : { left, right };
}

function checkOutputs(problem: AttentionProblem): OutputName[] {
  if (!Array.isArray(problem.outputs) || problem.outputs.length === 0) {
    refuse(
      'shape',
      `outputs is ${shown(problem.outputs)}; expected an array of ${OUTPUTS.join(', ')}`,
      'name at least one',
    );
  }
  for (const name of problem.outputs) checkOneOf('outputs', name, OUTPUTS, 'shape');
  if (problem.outputs.includes('choice') && problem.selection === 'softmax') {
    refuse('selection', 'choice is an output of hard attention', "set selection: 'argmax' or 'sample'");
  }
  return OUTPUTS.filter((name) => problem.outputs.includes(name));
}

function checkHardAttention(problem: AttentionProblem): void {
  if (problem.selection === 'softmax') return;
  if (problem.gradient) {
    throw new HeedError('NOT_DIFFERENTIABLE', `selection ${problem.selection} has no gradient`, {
      clause: 'gradient',
      remedy: "use selection 'softmax', or an estimator such as REINFORCE or straight-through",
    });
  }
  if (problem.sinks) refuse('sinks', 'a sink cannot be chosen by hard attention', 'leave out sinks');
}

const MEMBERS: OptionTable<AttentionProblem> = {
  batch: true,
  heads: true,
  kvHeads: true,
  kvBatch: true,
  queryLength: true,
  keyLength: true,
  headDim: true,
  valueDim: true,
  dtype: true,
  cacheType: true,
  groups: true,
  pages: true,
  ring: true,
  valueFromKey: true,
  layout: true,
  scale: true,
  softcap: true,
  alignment: true,
  causal: true,
  window: true,
  mask: true,
  bias: true,
  lengths: true,
  segments: true,
  alibi: true,
  sinks: true,
  selection: true,
  origin: true,
  dropout: true,
  outputs: true,
  gradient: true,
};

/**
 * Checks a problem and returns it in its normal form: fields in one order, outputs in one order, `bottomRight`
 * written as `topLeft` where they coincide. Two equal problems have the same JSON.
 *
 * @throws HeedError `UNKNOWN_OPTION`, `SHAPE`, `DTYPE`, `ARGUMENT`, `ALIGNMENT_REQUIRED` or `NOT_DIFFERENTIABLE`.
 */
export function checkProblem(problem: AttentionProblem): AttentionProblem {
  checkOptions('problem', problem, MEMBERS);
  const batch = checkCount('B', problem.batch, 1);
  const heads = checkCount('Hq', problem.heads, 1);
  const kvHeads = checkCount('Hkv', problem.kvHeads, 1);
  const queryLength = checkCount('Lq', problem.queryLength, 0);
  const keyLength = checkCount('Lk', problem.keyLength, 0);
  const headDim = checkCount('D', problem.headDim, 1);
  const valueDim = checkCount('Dv', problem.valueDim, 1);
  if (heads % kvHeads !== 0) {
    throw new HeedError('SHAPE', `Hq=${heads} is not a multiple of Hkv=${kvHeads}`, {
      clause: 'gqa',
      remedy: 'change the number of either: query heads share key/value heads evenly',
    });
  }
  if (!FLOATS.includes(problem.dtype)) {
    const given: unknown = problem.dtype;
    throw new HeedError(
      'DTYPE',
      `query is ${typeof given === 'string' ? given : shown(given)}; expected ${FLOATS.join(', ')}`,
      {
        clause: 'shape',
        remedy:
          "give query, key and value as Float32Array or Float64Array, or as { dtype: 'float16', shape, data }",
      },
    );
  }
  if (!isScale(problem.scale)) {
    const given = shown(problem.scale);
    refuse(
      'order',
      `scale is ${given}; expected 0 or a number of size 2⁻⁶⁴ to 2⁶⁴`,
      'leave it out for 1 / √D',
    );
  }
  if (problem.softcap !== null && !isInRange(problem.softcap)) {
    const given = shown(problem.softcap);
    refuse('softcap', `softcap is ${given}; expected a number from 2⁻⁶⁴ to 2⁶⁴`, 'leave it out for none');
  }
  const lengths = checkMember('lengths', problem.lengths, '{ key, keyStart, query }') ?? {
    key: false,
    keyStart: false,
    query: false,
  };
  const causal = checkFlag('causal', problem.causal);
  const window = checkWindow(problem.window);
  const positional = causal || window !== null || problem.alibi;
  if (positional && problem.alignment === null) {
    throw new HeedError('ALIGNMENT_REQUIRED', 'causal, window and alibi require an alignment', {
      clause: 'alignment',
      remedy: "set alignment to 'topLeft', 'bottomRight' or 'offset'",
    });
  }
  checkOneOf('alignment', problem.alignment, ['topLeft', 'bottomRight', 'offset', null], 'alignment');
  const square = queryLength === keyLength && !lengths.key && !lengths.query;
  const alignment = positional
    ? problem.alignment === 'bottomRight' && square
      ? 'topLeft'
      : problem.alignment
    : null;

  const mask = checkMember('mask', problem.mask, '{ kind, shape }');
  const bias = checkMember('bias', problem.bias, '{ shape }');
  const full = [batch, heads, queryLength, keyLength];
  const outputs = checkOutputs(problem);
  checkHardAttention(problem);
  checkDifferentiable(problem);
  return Object.freeze({
    batch,
    heads,
    kvHeads,
    kvBatch: checkKvBatch(problem),
    queryLength,
    keyLength,
    headDim,
    valueDim,
    dtype: problem.dtype,
    cacheType: checkCacheType(problem),
    groups: checkGroups(problem),
    pages: checkPages(problem),
    ring: checkRing(problem),
    valueFromKey: checkValueFromKey(problem),
    layout: checkOneOf<Layout>('layout', problem.layout, ['bhld', 'blhd'], 'layout'),
    scale: problem.scale,
    softcap: problem.softcap,
    alignment,
    causal,
    window,
    mask: mask && {
      kind: checkOneOf<'boolean' | 'float'>('mask.kind', mask.kind, ['boolean', 'float'], 'mask'),
      shape: checkBroadcast('mask', mask.shape, full),
    },
    bias: bias && { shape: checkBroadcast('bias', bias.shape, full) },
    lengths: {
      key: checkFlag('lengths.key', lengths.key),
      keyStart: checkFlag('lengths.keyStart', lengths.keyStart),
      query: checkFlag('lengths.query', lengths.query),
    },
    segments: checkFlag('segments', problem.segments),
    alibi: checkFlag('alibi', problem.alibi),
    sinks: checkFlag('sinks', problem.sinks),
    selection: checkOneOf<Selection>(
      'selection',
      problem.selection,
      ['softmax', 'argmax', 'sample'],
      'selection',
    ),
    origin: checkOrigin(problem),
    dropout: checkDropout(problem),
    outputs,
    gradient: checkFlag('gradient', problem.gradient),
  });
}

/** Returns a string that is equal for equal problems in their normal form. Takes two thirds of the time of JSON. */
export function problemKey(problem: AttentionProblem): string {
  const { batch, heads, kvHeads, kvBatch, queryLength, keyLength, headDim, valueDim } = problem;
  const { cacheType, groups, pages, ring, valueFromKey, origin, dropout } = problem;
  const { dtype, layout, scale, softcap, alignment, causal, window, mask, bias, lengths } = problem;
  const { segments, alibi, sinks, selection, outputs, gradient } = problem;
  const sizes = `${batch},${heads},${kvHeads},${kvBatch},${queryLength},${keyLength},${headDim},${valueDim}`;
  const scores = `${dtype},${layout},${scale},${softcap},${alignment},${causal},${window?.left},${window?.right}`;
  const cache = `${cacheType},${groups?.key},${groups?.value},${pages?.count},${pages?.size},${ring},${valueFromKey?.start},${valueFromKey?.length},${origin},${dropout}`;
  const terms = `${mask?.kind},${mask?.shape},${bias?.shape},${lengths.key},${lengths.keyStart},${lengths.query}`;
  return `${sizes},${cache},${scores},${terms},${segments},${alibi},${sinks},${selection},${outputs},${gradient}`;
}
