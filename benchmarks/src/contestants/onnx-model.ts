/** ONNX models of one operator, written as protobuf by hand: there is no well-kept library that writes them. */

export interface OnnxValue {
  readonly name: string;
  readonly type: 'float32' | 'bool';
  readonly shape: readonly number[];
}

export interface OnnxOperator {
  readonly operator: string;
  /** Empty for the standard's own operators. */
  readonly domain: string;
  readonly version: number;
  readonly attributes: Readonly<Record<string, number>>;
  /** By slot; null for one that is left out. */
  readonly inputs: readonly (OnnxValue | null)[];
  readonly output: OnnxValue;
}

/** The model's intermediate representation: that of ONNX 1.17, the release before Attention. */
const IR_VERSION = 10;
const ELEMENT_TYPES = { float32: 1, bool: 9 } as const;
const ATTRIBUTE_INT = 2;

/** The bytes of a model with one node. Field numbers are those of onnx.proto. */
export function onnxModel({
  operator,
  domain,
  version,
  attributes,
  inputs,
  output,
}: OnnxOperator): Uint8Array {
  const node = [
    ...inputs.flatMap((input) => text(1, input?.name ?? '')),
    ...text(2, output.name),
    ...text(4, operator),
    ...Object.entries(attributes).flatMap(([name, value]) =>
      message(5, [...text(1, name), ...integer(3, value), ...integer(20, ATTRIBUTE_INT)]),
    ),
    ...text(7, domain),
  ];
  const graph = [
    ...message(1, node),
    ...text(2, operator),
    ...inputs.flatMap((input) => (input === null ? [] : message(11, valueInfo(input)))),
    ...message(12, valueInfo(output)),
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
