import type { Tensor } from '@heed/core';
import { numbersOf } from '@heed/core/backend';
import type { AgreementCase } from '../case.ts';
import { checkForm } from './check-form.ts';
import { checkedCase } from './checked-case.ts';
import { type EncodedTensor, decodeTensor } from './encoded-tensor.ts';
import { SLOTS, onnxRequest, splitHeads } from './onnx-request.ts';
import { type OnnxTest, anyTestSchema, attentionTestSchema } from './onnx-test.ts';
import type { NotCovered, ParsedCases } from './parsed-cases.ts';
import { errorAt, placeOf } from './place.ts';

/**
 * Tolerance of ONNX's expected values, for each unit of the largest one (at least 1): one unit in the last
 * place of the element type that they were computed, or at least stored, in.
 */
const ROUNDING: Partial<Record<EncodedTensor['dtype'], number>> = { float16: 2 ** -11, float32: 2 ** -23 };

/** A value of `qk_matmul_output_mode`: the weights. Others are scores, at one step or another. */
const MODE_WEIGHTS = 3;

const NOT_COVERED = {
  present: 'past and present joined along the sequence: there is no attention in it',
  scores: 'the contract has no output for scores',
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
  return { cases: [caseOf(id, test, place)], notCovered: notCoveredOf(id, test) };
}

function caseOf(id: string, test: OnnxTest, place: (...steps: (string | number)[]) => string): AgreementCase {
  const { attributes, opset, inputs, outputs } = test;
  const decode = (list: typeof inputs, name: string, slot: number): Tensor | undefined => {
    const encoded = list[slot];
    return encoded ? decodeTensor(encoded, place(name, slot)) : undefined;
  };
  const slots = SLOTS.map((_, slot) => decode(inputs, 'inputs', slot));
  const request = onnxRequest(test, slots, (slot) => place('inputs', slot));
  const output = decode(outputs, 'outputs', 0);
  if (!output) throw errorAt('ARGUMENT', place('outputs', 0), 'Y is missing');
  const weights = attributes.qk_matmul_output_mode === MODE_WEIGHTS && decode(outputs, 'outputs', 3);
  const values = {
    output:
      request.layout === 'blhd' ? splitHeads(output, attributes.q_num_heads!, place('outputs', 0)) : output,
    ...(weights && { weights }),
  };
  const tolerance = (ROUNDING[outputs[0]!.dtype] ?? 0) * Math.max(1, largest(output));
  const unchecked = {
    id,
    request: weights ? { ...request, weights: true } : request,
    expected: { source: `ONNX backend node tests, opset ${opset}`, tolerance, values },
  };
  return checkedCase(unchecked, place(), (name) => place('outputs', name === 'output' ? 0 : 3));
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

function largest(output: Tensor): number {
  let result = 0;
  for (const value of numbersOf(output)) result = Math.max(result, Math.abs(value));
  return result;
}
