import type { AttentionRequest, Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { checkForm } from './check-form.ts';
import { checkedCase } from './checked-case.ts';
import { type EncodedTensor, decodeTensor } from './encoded-tensor.ts';
import { type OnnxAttributes, type OnnxTest, attentionTestSchema, anyTestSchema } from './onnx-test.ts';
import type { NotCovered, ParsedCases } from './parsed-cases.ts';
import { errorAt, placeOf } from './place.ts';
import { concatenate, swapHeadsAndLength, writeSlices } from './slices.ts';

/**
 * What ONNX's expected values may be wrong by, for each unit of the largest one (at least 1): one unit in the last
 * place of the element type that they were computed, or at least stored, in.
 */
const ROUNDING: Partial<Record<EncodedTensor['dtype'], number>> = { float16: 2 ** -11, float32: 2 ** -23 };

/** A value of `qk_matmul_output_mode`: the weights. Others are scores, at one step or another. */
const MODE_WEIGHTS = 3;

const NOT_COVERED = {
  present: 'past and present joined along the sequence: there is no attention in it',
  scores: 'scores are no output of the contract',
  flex: 'a preview, whose score and probability modifiers are graphs that a request cannot express',
  operator: 'of ONNX, only the operator Attention of the standard itself is read',
};

/** The case in a test of the ONNX operator `Attention`; of another operator, a note that it is not covered. */
export function readOnnxTest(json: unknown, file: string, path: readonly number[]): ParsedCases {
  const { name, op, domain = '' } = checkForm(anyTestSchema, json, file, path);
  const id = `onnx/${name}`;
  if (op === 'FlexAttention') return noCase(id, op, NOT_COVERED.flex);
  if (op !== 'Attention' || (domain !== '' && domain !== 'ai.onnx')) {
    return noCase(id, domain === '' ? op : `${domain}.${op}`, NOT_COVERED.operator);
  }

  const test = checkForm(attentionTestSchema, json, file, path);
  const place = (...steps: (string | number)[]): string => placeOf(file, [...path, ...steps]);
  const decode = (list: 'inputs' | 'outputs', slot: number): Tensor | undefined => {
    const encoded = test[list][slot];
    return encoded ? decodeTensor(encoded, place(list, slot)) : undefined;
  };
  const slots = Array.from({ length: 7 }, (_, slot) => decode('inputs', slot));
  const request = requestOf(test, slots, (slot) => place('inputs', slot));
  const output = decode('outputs', 0);
  if (!output) throw errorAt('ARGUMENT', place('outputs', 0), 'Y is missing');
  const weights = test.attributes.qk_matmul_output_mode === MODE_WEIGHTS ? decode('outputs', 3) : undefined;
  const values = {
    output:
      output.shape.length === 3
        ? splitHeads(output, test.attributes.q_num_heads!, place('outputs', 0))
        : output,
    ...(weights && { weights }),
  };
  const expected = {
    source: `ONNX backend node tests, opset ${test.opset}`,
    tolerance: (ROUNDING[test.outputs[0]!.dtype] ?? 0) * Math.max(1, largest(output)),
    values,
  };
  const asked = { ...request, outputs: weights ? (['output', 'weights'] as const) : (['output'] as const) };
  const slotOf: Record<string, number> = { output: 0, weights: 3 };
  return {
    cases: [
      checkedCase({ id, request: asked, expected }, place(), (value) => place('outputs', slotOf[value]!)),
    ],
    notCovered: notCoveredOf(id, test),
  };
}

function noCase(id: string, what: string, reason: string): ParsedCases {
  return { cases: [], notCovered: [{ id, what, reason }] };
}

function notCoveredOf(id: string, { attributes, outputs }: OnnxTest): NotCovered[] {
  const mode = attributes.qk_matmul_output_mode ?? 0;
  const [, presentKey, presentValue, scores] = outputs;
  return [
    ...(presentKey ? [{ id, what: 'present_key', reason: NOT_COVERED.present }] : []),
    ...(presentValue ? [{ id, what: 'present_value', reason: NOT_COVERED.present }] : []),
    ...(scores && mode !== MODE_WEIGHTS
      ? [{ id, what: `qk_matmul_output, mode ${mode}`, reason: NOT_COVERED.scores }]
      : []),
  ];
}

/**
 * The operator's inputs as a request. Heads are split, past and present joined, short masks padded; what the numbers
 * mean, which keys a row may attend to among them, is left to the request.
 */
function requestOf(
  { attributes, opset }: OnnxTest,
  slots: readonly (Tensor | undefined)[],
  place: (slot: number) => string,
): AttentionRequest {
  const required = (slot: number, name: string): Tensor => {
    const found = slots[slot];
    if (!found) throw errorAt('MISSING_INPUT', place(slot), `${name} is missing`);
    return found;
  };
  const [, , , mask, pastKey, pastValue, nonpad] = slots;
  const packed = required(0, 'Q').shape.length === 3;
  const { q_num_heads: heads = 0, kv_num_heads: kvHeads = 0 } = attributes;
  const split = (slot: number, name: string, count: number): Tensor =>
    packed ? splitHeads(required(slot, name), count, place(slot)) : required(slot, name);
  // A past is [B, H, L, D], whether the present is packed or not.
  const join = (past: Tensor | undefined, slot: number, present: Tensor): Tensor =>
    past ? joinPast(past, present, packed, place(slot)) : present;

  const key = join(pastKey, 4, split(1, 'K', kvHeads));
  const value = join(pastValue, 5, split(2, 'V', kvHeads));
  const keyLength = key.shape[packed ? 1 : 2]!;
  if (nonpad && pastKey) throw errorAt('UNEXPECTED_INPUT', place(6), 'excludes a past');
  return {
    query: split(0, 'Q', heads),
    key,
    value,
    layout: packed ? 'blhd' : 'bhld',
    ...optionsOf(attributes),
    ...(mask && { mask: opset >= 24 ? padMask(mask, keyLength) : mask }),
    ...(nonpad && { keyLengths: nonpad as Tensor<'int32'> }),
    alignment: nonpad ? 'bottomRight' : pastKey ? { offset: pastKey.shape[2]! } : 'topLeft',
  };
}

function optionsOf(
  attributes: OnnxAttributes,
): Pick<AttentionRequest, 'scale' | 'softcap' | 'causal' | 'window'> {
  const { is_causal, left_window_size = -1, right_window_size = -1, scale, softcap } = attributes;
  return {
    causal: is_causal === 1,
    window: { left: windowSide(left_window_size), right: windowSide(right_window_size) },
    // 0 means none.
    softcap: softcap || null,
    ...(scale !== undefined && { scale }),
  };
}

/** −1 means unbounded. */
function windowSide(size: number): number | null {
  return size === -1 ? null : size;
}

/** `[B, L, H, D]` from `[B, L, H · D]`: the same numbers in the same order. */
function splitHeads(packed: Tensor, heads: number, place: string): Tensor {
  const [batch, length, width] = packed.shape;
  if (packed.shape.length !== 3 || !(heads > 0) || width! % heads !== 0) {
    throw errorAt(
      'SHAPE',
      `${place}.shape`,
      `is [${packed.shape.join(', ')}], expected [B, L, H · D] with H=${heads}`,
    );
  }
  return { ...packed, shape: [batch!, length!, heads, width! / heads] };
}

function joinPast(past: Tensor, present: Tensor, packed: boolean, place: string): Tensor {
  const axis = packed ? 1 : 2;
  const placed = packed && past.shape.length === 4 ? swapHeadsAndLength(past) : past;
  const fits =
    placed.dtype === present.dtype &&
    placed.shape.length === 4 &&
    placed.shape.every((length, a) => a === axis || length === present.shape[a]);
  if (!fits) {
    throw errorAt(
      'SHAPE',
      place,
      `is ${past.dtype} [${past.shape.join(', ')}], which does not continue in the present`,
    );
  }
  return concatenate(placed, present, axis);
}

/** Keys beyond a short mask are not there: from opset 24 on, also where a length of 1 could broadcast. */
function padMask(mask: Tensor, keyLength: number): Tensor {
  const axis = mask.shape.length - 1;
  if (axis < 0 || mask.shape[axis]! >= keyLength) return mask;
  const padded: Tensor = zeros(mask.dtype, [...mask.shape.slice(0, axis), keyLength]);
  if (mask.dtype !== 'bool') padded.data.fill(-Infinity);
  writeSlices(padded, mask, axis, 0);
  return padded;
}

function largest({ data }: Tensor): number {
  let result = 0;
  for (const value of data) result = Math.max(result, Math.abs(value));
  return result;
}
