// A scale of 0 is ignored. With it all weights are equal and the output is the mean of the values.
import ort from 'onnxruntime-node';

// ir_version 10; node MultiHeadAttention(query, key, value) -> output, num_heads 1, scale 0; com.microsoft version 1.
const bytes = (...parts) => parts.flat();
const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >> 7)]);
const field = (number, content) => bytes(varint((number << 3) | 2), varint(content.length), content);
const text = (number, content) => field(number, [...new TextEncoder().encode(content)]);
const integer = (number, value) => bytes(varint(number << 3), varint(value));
const value = (name, shape) =>
  bytes(
    text(1, name),
    field(
      2,
      field(
        1,
        bytes(
          integer(1, 1),
          field(
            2,
            shape.flatMap((length) => field(1, integer(1, length))),
          ),
        ),
      ),
    ),
  );
const float = (number, x) => bytes(varint((number << 3) | 5), [...new Uint8Array(Float32Array.of(x).buffer)]);
const node = bytes(
  ...['query', 'key', 'value'].map((name) => text(1, name)),
  text(2, 'output'),
  text(4, 'MultiHeadAttention'),
  field(5, bytes(text(1, 'num_heads'), integer(3, 1), integer(20, 2))),
  field(5, bytes(text(1, 'scale'), float(2, 0), integer(20, 1))),
  text(7, 'com.microsoft'),
);
const shape = [1, 2, 2];
const graph = bytes(
  field(1, node),
  text(2, 'attention'),
  ...['query', 'key', 'value'].map((name) => field(11, value(name, shape))),
  field(12, value('output', shape)),
);
const model = Uint8Array.from(
  bytes(integer(1, 10), field(7, graph), field(8, bytes(text(1, 'com.microsoft'), integer(2, 1)))),
);
const session = await ort.InferenceSession.create(model, { logSeverityLevel: 4 });
const tensor = (...numbers) => new ort.Tensor('float32', Float32Array.of(...numbers), shape);
const { output } = await session.run({
  query: tensor(3, 0, 0, 3),
  key: tensor(3, 0, 0, 3),
  value: tensor(1, 0, 0, 1),
});
console.log(`onnxruntime-node ${ort.env.versions.node}: ${[...output.data]}; expected 0.5,0.5,0.5,0.5`);
process.exitCode = [...output.data].every((x) => Math.abs(x - 0.5) < 1e-6) ? 0 : 1;
