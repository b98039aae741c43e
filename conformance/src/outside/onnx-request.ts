import { type Tensor, cast } from '@heed/core';
import type { CaseRequest } from '../case-request.ts';
import { exchangeHeadsAndLength, isFloat, writeSlices, zeros } from '@heed/core/backend';
import { MAX_ELEMENTS } from './encoded-tensor.ts';
import type { OnnxAttributes, OnnxTest } from './onnx-test.ts';
import { errorAt } from './place.ts';
import { concatenate } from './concatenate.ts';

/** The operator's inputs in their order. */
export const SLOTS: readonly string[] = [
  'Q',
  'K',
  'V',
  'attn_mask',
  'past_key',
  'past_value',
  'nonpad_kv_seqlen',
];

/**
 * The operator's inputs as a request. Heads are split, past and present joined, short masks padded; what the numbers
 * mean, which keys a row may attend to among them, is left to the request.
 *
 * @param slots the inputs, in the order of {@link SLOTS}.
 * @param place of a slot in the file.
 */
export function onnxRequest(
  { attributes, opset }: OnnxTest,
  slots: readonly (Tensor | undefined)[],
  place: (slot: number) => string,
): CaseRequest {
  const { q_num_heads: heads = 0, kv_num_heads: kvHeads = 0 } = attributes;
  const [first, , , mask, pastKey, pastValue, nonpad] = slots;
  const packed = first?.shape.length === 3;
  const present = (slot: number, count: number): Tensor => {
    const found = slots[slot];
    if (!found) throw errorAt('MISSING_INPUT', place(slot), `${SLOTS[slot]} is missing`);
    return packed ? splitHeads(found, count, place(slot)) : checkRank(found, place(slot));
  };
  const joined = (slot: number, pastSlot: number): Tensor => {
    const past = slots[pastSlot];
    const rows = present(slot, kvHeads);
    return past ? joinPast(past, rows, packed, place(pastSlot)) : rows;
  };
  if (nonpad && (pastKey || pastValue)) throw errorAt('UNEXPECTED_INPUT', place(6), 'excludes a past');
  const query = present(0, heads);
  const key = joined(1, 4);
  return {
    query,
    key,
    value: joined(2, 5),
    layout: packed ? 'blhd' : 'bhld',
    ...optionsOf(attributes),
    ...(mask && { mask: opset >= 24 ? padMask(mask, key.shape[packed ? 1 : 2]!, place(3)) : mask }),
    ...(nonpad && { keyLengths: nonpad as Tensor<'int32'> }),
    alignment: nonpad ? 'bottomRight' : pastKey ? { offset: pastKey.shape[2]! } : 'topLeft',
  };
}

function checkRank(tensor: Tensor, place: string): Tensor {
  if (tensor.shape.length === 4) return tensor;
  throw errorAt('SHAPE', `${place}.shape`, `is [${tensor.shape.join(', ')}]; expected [B, H, L, D] as Q`);
}

function optionsOf(attributes: OnnxAttributes): Pick<CaseRequest, 'scale' | 'softcap' | 'causal' | 'window'> {
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
export function splitHeads(packed: Tensor, heads: number, place: string): Tensor {
  const [batch, length, width] = packed.shape;
  if (packed.shape.length !== 3 || !(heads > 0) || width! % heads !== 0) {
    throw errorAt(
      'SHAPE',
      `${place}.shape`,
      `is [${packed.shape.join(', ')}]; expected [B, L, H · D] with H=${heads}`,
    );
  }
  return { ...packed, shape: [batch!, length!, heads, width! / heads] };
}

function joinPast(past: Tensor, present: Tensor, packed: boolean, place: string): Tensor {
  const axis = packed ? 1 : 2;
  const placed = packed && past.shape.length === 4 ? exchangeHeadsAndLength(past) : past;
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
function padMask(mask: Tensor, keyLength: number, place: string): Tensor {
  const axis = mask.shape.length - 1;
  if (axis < 0 || mask.shape[axis]! >= keyLength) return mask;
  const size = mask.shape.slice(0, axis).reduce((product, length) => product * length, keyLength);
  if (size > MAX_ELEMENTS) {
    throw errorAt(
      'SHAPE',
      `${place}.shape`,
      `is [${mask.shape.join(', ')}]; too many elements once padded to ${keyLength}`,
    );
  }
  const shape = [...mask.shape.slice(0, axis), keyLength];
  const excluded = zeros('float64', shape);
  excluded.data.fill(-Infinity);
  const padded: Tensor = isFloat(mask.dtype) ? cast(excluded, mask.dtype) : zeros(mask.dtype, shape);
  writeSlices(padded, mask, { axis, start: 0 });
  return padded;
}
