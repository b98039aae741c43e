// Reads the nodes and weights of an ONNX file: the few fields of its protocol buffers that are needed here.

/** Fields of a message: [number, value], the value a number or bytes. */
function* fieldsOf(/** @type {Buffer} */ bytes) {
  let at = 0;
  const varint = () => {
    let [value, shift] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
      shift *= 128;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const [number, wire] = [Math.floor(key / 8), key % 8];
    if (wire === 0) yield [number, varint()];
    else if (wire === 2) {
      const length = varint();
      at += length;
      yield [number, bytes.subarray(at - length, at)];
    } else if (wire === 1 || wire === 5) {
      at += wire === 1 ? 8 : 4;
    } else throw new Error(`the ONNX file has a field of the kind ${wire}`);
  }
}

const FLOAT = 1;

function tensorOf(bytes) {
  const tensor = { name: '', dtype: 0, shape: [], data: Buffer.alloc(0) };
  for (const [number, value] of fieldsOf(bytes)) {
    if (number === 1) {
      // Packed or one by one.
      if (typeof value === 'number') tensor.shape.push(value);
      else throw new Error('lengths of a tensor are packed');
    } else if (number === 2) tensor.dtype = value;
    else if (number === 8) tensor.name = value.toString();
    else if (number === 9) tensor.data = value;
  }
  return tensor;
}

function nodeOf(bytes) {
  const node = { type: '', inputs: [], outputs: [] };
  for (const [number, value] of fieldsOf(bytes)) {
    if (number === 1) node.inputs.push(value.toString());
    else if (number === 2) node.outputs.push(value.toString());
    else if (number === 4) node.type = value.toString();
  }
  return node;
}

/** @returns {{ nodes: { type: string, inputs: string[], outputs: string[] }[], weights: Map<string, { shape: number[], data: Float32Array }> }} */
export function readONNX(/** @type {Buffer} */ file) {
  const [, graph] = [...fieldsOf(file)].find(([number]) => number === 7);
  const nodes = [];
  const weights = new Map();
  for (const [number, value] of fieldsOf(graph)) {
    if (number === 1) nodes.push(nodeOf(value));
    if (number !== 5) continue;
    const { name, dtype, shape, data } = tensorOf(value);
    if (dtype !== FLOAT) continue;
    weights.set(name, { shape, data: new Float32Array(Uint8Array.from(data).buffer) });
  }
  return { nodes, weights };
}
