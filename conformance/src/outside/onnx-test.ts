import * as v from 'valibot';
import { type EncodedTensor, tensorEntries } from './encoded-tensor.ts';

/** A backend node test of the ONNX project, for one operator that computes attention. */
export interface OnnxTest {
  readonly name: string;
  readonly opset: number;
  readonly op: string;
  readonly attributes: OnnxAttributes;
  /** In the operator's slots: Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen. */
  readonly inputs: readonly (EncodedTensor | null)[];
  /** In the operator's slots: Y, present_key, present_value, qk_matmul_output. */
  readonly outputs: readonly (EncodedTensor | null)[];
}

/** Attributes of `Attention`, opsets 23 to 25. Defaults as in the standard. */
export interface OnnxAttributes {
  readonly is_causal?: number;
  readonly kv_num_heads?: number;
  readonly q_num_heads?: number;
  readonly left_window_size?: number;
  readonly right_window_size?: number;
  readonly qk_matmul_output_mode?: number;
  readonly scale?: number;
  readonly softcap?: number;
  /** The type that the softmax is computed in: Heed's are at least as exact as any. */
  readonly softmax_precision?: number;
}

const integer = v.exactOptional(v.pipe(v.number(), v.safeInteger()));
const slots = (most: number): v.GenericSchema<(EncodedTensor | null)[]> =>
  v.pipe(v.array(v.nullable(v.object(tensorEntries))), v.maxLength(most));

const common = {
  name: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,200}$/)),
  opset: v.pipe(v.number(), v.safeInteger(), v.minValue(23)),
};

/** The form of an {@link OnnxTest} of `Attention`. Fields that say nothing about attention may be there as well. */
export const attentionTestSchema: v.GenericSchema<unknown, OnnxTest> = v.object({
  ...common,
  op: v.literal('Attention'),
  attributes: v.strictObject({
    is_causal: v.exactOptional(v.picklist([0, 1])),
    kv_num_heads: integer,
    q_num_heads: integer,
    left_window_size: integer,
    right_window_size: integer,
    qk_matmul_output_mode: integer,
    scale: v.exactOptional(v.number()),
    softcap: v.exactOptional(v.number()),
    softmax_precision: integer,
  }),
  inputs: slots(7),
  outputs: slots(4),
});

/** Fields of a test of any operator that identify the operator. */
export const anyTestSchema: v.GenericSchema<
  unknown,
  Pick<OnnxTest, 'name' | 'op'> & { readonly domain?: string }
> = v.object({
  name: common.name,
  domain: v.exactOptional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.]{0,100}$/))),
  op: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.]{1,100}$/)),
});
