// A tensor of float16 made of a Uint16Array, as the types ask for, cannot be fed where the engine has Float16Array.
import ort from 'onnxruntime-node';

if (!('Float16Array' in globalThis)) {
  console.error('Float16Array is not here: run it on Node 24 or newer');
  process.exit(2);
}

// ir_version 10; node Identity(x) -> y, both float16 [2]; opset 23.
const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >> 7)]);
const field = (number, content) => [...varint((number << 3) | 2), ...varint(content.length), ...content];
const text = (number, content) => field(number, [...new TextEncoder().encode(content)]);
const integer = (number, value) => [...varint(number << 3), ...varint(value)];
const FLOAT16 = 10;
const shape = field(2, field(1, integer(1, 2)));
const value = (name) => [...text(1, name), ...field(2, field(1, [...integer(1, FLOAT16), ...shape]))];
const node = [...text(1, 'x'), ...text(2, 'y'), ...text(4, 'Identity')];
const graph = [...field(1, node), ...text(2, 'identity'), ...field(11, value('x')), ...field(12, value('y'))];
const model = [...integer(1, 10), ...field(7, graph), ...field(8, [...text(1, ''), ...integer(2, 23)])];

const session = await ort.InferenceSession.create(Uint8Array.from(model), { logSeverityLevel: 4 });
const version = `onnxruntime-node ${ort.env.versions.node}`;
try {
  const x = new ort.Tensor('float16', Uint16Array.of(0x3c00, 0x4000), [2]); // 1, 2
  const { y } = await session.run({ x });
  const numbers = [...new Float16Array(y.data.buffer, y.data.byteOffset, 2)];
  console.log(`${version}: ${numbers}, expected 1,2`);
  process.exitCode = numbers.join() === '1,2' ? 0 : 1;
} catch (error) {
  console.log(`${version}: ${error.message}`);
  process.exitCode = 1;
}
