import type { AttentionProblem } from '@heed/core';

/** A tensor that goes into or out of the model. */
export interface ModelValue {
  readonly name: string;
  readonly type: 'float32' | 'bool';
  readonly shape: readonly number[];
}

const IR_VERSION = 10;
const OPSET = 23;
/** Mode of `qk_matmul_output`: the result of the softmax. */
const AFTER_SOFTMAX = 3;

/** Returns the inputs of a problem's model, in the order of the operator. */
export function inputsOf(problem: AttentionProblem): ModelValue[] {
  const { batch: B, heads, kvHeads, queryLength, keyLength, headDim, valueDim, mask } = problem;
  return [
    { name: 'query', type: 'float32', shape: [B, heads, queryLength, headDim] },
    { name: 'key', type: 'float32', shape: [B, kvHeads, keyLength, headDim] },
    { name: 'value', type: 'float32', shape: [B, kvHeads, keyLength, valueDim] },
    ...(mask === null
      ? []
      : [
          {
            name: 'mask',
            type: mask.kind === 'boolean' ? 'bool' : 'float32',
            // The operator broadcasts batches and heads of a mask, not queries and keys.
            shape: [mask.shape[0], mask.shape[1], queryLength, keyLength],
          } as const,
        ]),
  ];
}

/** Returns the model's outputs. Weights only if requested: they are a tensor of B · H · Lq · Lk. */
export function outputsOf({
  batch: B,
  heads,
  queryLength,
  keyLength,
  valueDim,
  outputs,
}: AttentionProblem): ModelValue[] {
  const weights = { name: 'weights', type: 'float32', shape: [B, heads, queryLength, keyLength] } as const;
  const output = { name: 'output', type: 'float32', shape: [B, heads, queryLength, valueDim] } as const;
  return outputs.includes('weights') ? [output, weights] : [output];
}

/**
 * The model of a problem: one node, the operator `Attention` of ONNX, opset 23. Written as protobuf by hand, with the
 * field numbers of onnx.proto; no library is needed for so little.
 */
export function attentionModel(problem: AttentionProblem): Uint8Array {
  const inputs = inputsOf(problem);
  const outputs = outputsOf(problem);
  const withWeights = outputs.length > 1;
  const node = [
    ...inputs.flatMap(({ name }) => text(1, name)),
    // Its outputs are Y, present_key, present_value, qk_matmul_output.
    ...(withWeights ? ['output', '', '', 'weights'] : ['output']).flatMap((name) => text(2, name)),
    ...text(4, 'Attention'),
    ...attribute('scale', operatorScale(problem), 'float'),
    ...(problem.causal ? attribute('is_causal', 1, 'integer') : []),
    ...(problem.softcap === null ? [] : attribute('softcap', problem.softcap, 'float')),
    ...(withWeights ? attribute('qk_matmul_output_mode', AFTER_SOFTMAX, 'integer') : []),
  ];
  const graph = [
    ...message(1, node),
    ...text(2, 'attention'),
    ...inputs.flatMap((value) => message(11, valueInfo(value))),
    ...outputs.flatMap((value) => message(12, valueInfo(value))),
  ];
  return Uint8Array.from([
    ...integer(1, IR_VERSION),
    ...message(7, graph),
    ...message(8, [...text(1, ''), ...integer(2, OPSET)]),
  ]);
}

/** Scale for the operator, which takes none of 0 or less: then it is 1, and the query is scaled first. */
export function operatorScale({ scale }: AttentionProblem): number {
  return scale > 0 ? scale : 1;
}

function attribute(name: string, value: number, kind: 'float' | 'integer'): number[] {
  const [content, type] = kind === 'float' ? [float(2, value), 1] : [integer(3, value), 2];
  return message(5, [...text(1, name), ...content, ...integer(20, type)]);
}

function valueInfo({ name, type, shape }: ModelValue): number[] {
  const lengths = shape.flatMap((length) => message(1, integer(1, length)));
  const tensorType = [...integer(1, type === 'float32' ? 1 : 9), ...message(2, lengths)];
  return [...text(1, name), ...message(2, message(1, tensorType))];
}

function integer(field: number, value: number): number[] {
  return [...varint(field << 3), ...varint(value)];
}

function float(field: number, value: number): number[] {
  return [...varint((field << 3) | 5), ...new Uint8Array(Float32Array.of(value).buffer)];
}

function message(field: number, content: readonly number[]): number[] {
  return [...varint((field << 3) | 2), ...varint(content.length), ...content];
}

function text(field: number, content: string): number[] {
  return message(field, [...new TextEncoder().encode(content)]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))];
}
