/** ONNX models of one operator, written as protobuf by hand, for lack of a maintained library. */

/** Element type of a value. */
export type OnnxType = 'float16' | 'float32' | 'float64' | 'int64' | 'int32' | 'bool';

/** An input or output of a model. */
export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
}

/** Attributes of an operator, by name. */
export interface OnnxAttributes {
  readonly integers?: Readonly<Record<string, number>>;
  readonly floats?: Readonly<Record<string, number>>;
}

/** An operator, with its version of the operator set. */
export interface OnnxOperator {
  readonly operator: string;
  /** Empty for the standard's own operators. */
  readonly domain: string;
  readonly version: number;
  readonly attributes: OnnxAttributes;
  /** Inputs by slot; null for an omitted one. */
  readonly inputs: readonly (OnnxValue | null)[];
  readonly outputs: readonly (OnnxValue | null)[];
}

/** Version of the intermediate representation: that of ONNX 1.17, the release before Attention. */
const IR_VERSION = 10;
const ELEMENT_TYPES: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
};
const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;

/** The bytes of a model with one node. Field numbers are those of onnx.proto. */
export function onnxModel({
  operator,
  domain,
  version,
  attributes: { integers = {}, floats = {} },
  inputs,
  outputs,
}: OnnxOperator): Uint8Array {
  const node = [
    ...inputs.flatMap((input) => text(1, input?.name ?? '')),
    ...outputs.flatMap((output) => text(2, output?.name ?? '')),
    ...text(4, operator),
    ...Object.entries(integers).flatMap(([name, value]) =>
      message(5, [...text(1, name), ...integer(3, value), ...integer(20, ATTRIBUTE_INT)]),
    ),
    ...Object.entries(floats).flatMap(([name, value]) =>
      message(5, [...text(1, name), ...float(2, value), ...integer(20, ATTRIBUTE_FLOAT)]),
    ),
    ...text(7, domain),
  ];
  const graph = [
    ...message(1, node),
    ...text(2, operator),
    ...inputs.flatMap((input) => (input === null ? [] : message(11, valueInfo(input)))),
    ...outputs.flatMap((output) => (output === null ? [] : message(12, valueInfo(output)))),
  ];
  return Uint8Array.from([
    ...integer(1, IR_VERSION),
    ...message(7, graph),
    ...message(8, [...text(1, domain), ...integer(2, version)]),
  ]);
}

function valueInfo({ name, type, shape }: OnnxValue): number[] {
  const lengths = shape.flatMap((length) => message(1, integer(1, length)));
  const tensorType = [...integer(1, ELEMENT_TYPES[type]), ...message(2, lengths)];
  return [...text(1, name), ...message(2, message(1, tensorType))];
}

const integer = (field: number, value: number): number[] => [...varint(field << 3), ...varint(value)];

const float = (field: number, value: number): number[] => [
  ...varint((field << 3) | 5),
  ...new Uint8Array(Float32Array.of(value).buffer),
];

const message = (field: number, content: readonly number[]): number[] => [
  ...varint((field << 3) | 2),
  ...varint(content.length),
  ...content,
];

const text = (field: number, content: string): number[] =>
  message(field, [...new TextEncoder().encode(content)]);

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))];
}
