import { checkInputs } from './check-inputs.ts';
import { checkProblem } from './check-problem.ts';
import { HeedError } from './error.ts';
import type { AttentionInputs } from './inputs.ts';
import type {
  AlignmentKind,
  AttentionProblem,
  BroadcastShape,
  Layout,
  OutputName,
  Selection,
} from './problem.ts';
import { isResident, type ResidentTensor } from './resident.ts';
import { type FloatDType, type Tensor, checkTensor, tensor } from './tensor.ts';

/** A length or an offset for each element of the batch. */
export type PerBatch = readonly number[] | Tensor<'int32'>;

/** One call of attention: the tensors and the options together. Shapes are in {@link AttentionInputs}. */
export interface AttentionRequest<O extends OutputName = OutputName> {
  readonly query: Tensor | ResidentTensor;
  readonly key: Tensor | ResidentTensor;
  readonly value: Tensor | ResidentTensor;
  /** Default `bhld`. */
  readonly layout?: Layout | undefined;
  /** Default 1 / √D. */
  readonly scale?: number | undefined;
  /** c of c · tanh(score / c), applied before bias and mask. Default: none. */
  readonly softcap?: number | null | undefined;
  /** Default false. */
  readonly causal?: boolean | undefined;
  /** Local attention: keys from p − left to p + right, inclusive. A side left out or null is unbounded. */
  readonly window?: { readonly left?: number | null; readonly right?: number | null } | null | undefined;
  /**
   * Where query row i stands among the keys. Needed by causal, window and alibi when Lq ≠ Lk; there is no default
   * then, since libraries disagree on it. With Lq = Lk the default is `topLeft`.
   */
  readonly alignment?: 'topLeft' | 'bottomRight' | { readonly offset: number | PerBatch } | undefined;
  /** Boolean: true may attend. Float: added, −∞ excludes. */
  readonly mask?: Tensor | ResidentTensor | undefined;
  readonly bias?: Tensor | ResidentTensor | undefined;
  readonly keyLengths?: PerBatch | undefined;
  readonly queryLengths?: PerBatch | undefined;
  /** Segment ids: attend only within the same id. Both or neither. */
  readonly querySegments?: Tensor | ResidentTensor | undefined;
  readonly keySegments?: Tensor | ResidentTensor | undefined;
  readonly alibiSlopes?: Tensor | ResidentTensor | undefined;
  readonly sinks?: Tensor | ResidentTensor | undefined;
  /** Soft attention (`softmax`, the default), or hard: `argmax`, or `sample` with a seed. */
  readonly selection?: Selection | undefined;
  /** For selection `sample`: an integer, 0 ≤ seed < 2⁵³. */
  readonly seed?: number | undefined;
  /** Default `['output']`. */
  readonly outputs?: readonly O[] | undefined;
  /** Default false. */
  readonly gradient?: boolean | undefined;
}

/**
 * Splits a request into the problem, in its one normal form, and the inputs of the run.
 *
 * @throws HeedError `SHAPE`, `DTYPE`, `ARGUMENT`, `MISSING_INPUT` or `ALIGNMENT_REQUIRED`.
 */
export function problemOf(request: AttentionRequest): { problem: AttentionProblem; inputs: AttentionInputs } {
  const layout = request.layout ?? 'bhld';
  const [batch, heads, queryLength, headDim] = axesOf('query', request.query, layout);
  const [, kvHeads, keyLength] = axesOf('key', request.key, layout);
  const [, , , valueDim] = axesOf('value', request.value, layout);
  const positional =
    request.causal === true || boundedWindow(request) !== null || request.alibiSlopes !== undefined;
  const alignment = positional ? alignmentOf(request, queryLength, keyLength) : null;
  const selection = request.selection ?? 'softmax';

  const problem = checkProblem({
    batch,
    heads,
    kvHeads,
    queryLength,
    keyLength,
    headDim,
    valueDim,
    dtype: request.query.dtype as FloatDType,
    layout,
    scale: request.scale ?? 1 / Math.sqrt(headDim),
    softcap: request.softcap ?? null,
    alignment,
    causal: request.causal ?? false,
    window: boundedWindow(request),
    mask: request.mask
      ? { kind: request.mask.dtype === 'bool' ? 'boolean' : 'float', shape: rank4('mask', request.mask) }
      : null,
    bias: request.bias ? { shape: rank4('bias', request.bias) } : null,
    lengths: { key: request.keyLengths !== undefined, query: request.queryLengths !== undefined },
    segments: request.querySegments !== undefined || request.keySegments !== undefined,
    alibi: request.alibiSlopes !== undefined,
    sinks: request.sinks !== undefined,
    selection,
    outputs: request.outputs ?? ['output'],
    gradient: request.gradient ?? false,
  });

  const inputs: AttentionInputs = {
    query: request.query,
    key: request.key,
    value: request.value,
    ...(request.mask && { mask: request.mask }),
    ...(request.bias && { bias: request.bias }),
    ...(alignment === 'offset' && { offsets: offsetsOf(request, batch) }),
    ...(request.keyLengths && { keyLengths: perBatch(request.keyLengths) }),
    ...(request.queryLengths && { queryLengths: perBatch(request.queryLengths) }),
    ...(request.querySegments && { querySegments: request.querySegments }),
    ...(request.keySegments && { keySegments: request.keySegments }),
    ...(request.alibiSlopes && { alibiSlopes: request.alibiSlopes }),
    ...(request.sinks && { sinks: request.sinks }),
    ...(request.seed !== undefined && { seed: request.seed }),
  };
  checkInputs(problem, inputs);
  return { problem, inputs };
}

/** The lengths [B, H, L, D] of a tensor in either layout. */
function axesOf(
  name: string,
  value: Tensor | ResidentTensor | undefined,
  layout: Layout,
): readonly [number, number, number, number] {
  if (value === undefined) throw new HeedError('MISSING_INPUT', `${name} is missing`, { clause: 'shape' });
  if (!isResident(value)) checkTensor(name, value);
  const { shape } = value;
  if (shape.length !== 4) {
    const letters = layout === 'bhld' ? '[B, H, L, D]' : '[B, L, H, D]';
    throw new HeedError('SHAPE', `${name} is [${shape.join(', ')}], expected ${letters}`, {
      clause: 'shape',
      remedy: 'give the tensor four axes; use length 1 for a batch or a head that is not there',
    });
  }
  const [batch, second, third, depth] = shape as [number, number, number, number];
  return layout === 'blhd' ? [batch, third, second, depth] : [batch, second, third, depth];
}

function boundedWindow(request: AttentionRequest): AttentionProblem['window'] {
  const left = request.window?.left ?? null;
  const right = request.window?.right ?? null;
  return left === null && right === null ? null : { left, right };
}

function alignmentOf(request: AttentionRequest, queryLength: number, keyLength: number): AlignmentKind {
  // JavaScript callers may say null for none, as they may of the other options.
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

function offsetsOf(request: AttentionRequest, batch: number): Tensor<'int32'> {
  const { offset } = request.alignment as { offset: number | PerBatch };
  return perBatch(typeof offset === 'number' ? Array.from({ length: batch }, () => offset) : offset);
}

function perBatch(values: PerBatch): Tensor<'int32'> {
  if (!Array.isArray(values)) return values as Tensor<'int32'>;
  // Rounding here would hide a mistake: 2.5 must not become a length of 2.
  const wrong = values.find((value) => (value | 0) !== value);
  if (wrong !== undefined) {
    throw new HeedError('ARGUMENT', `lengths and offsets are 32-bit integers, one of them is ${wrong}`);
  }
  return tensor([values.length], Int32Array.from(values));
}

function rank4(name: string, value: Tensor | ResidentTensor): BroadcastShape {
  if (value.shape.length > 4) {
    throw new HeedError('SHAPE', `${name} is [${value.shape.join(', ')}], expected at most [B, Hq, Lq, Lk]`, {
      clause: name,
    });
  }
  return [...Array<number>(4 - value.shape.length).fill(1), ...value.shape] as unknown as BroadcastShape;
}
