// Writes a safetensors file from bytes as they are stored.

/**
 * @param {readonly { name: string, dtype: string, shape: readonly number[], data: Uint8Array }[]} tensors
 * @returns {Uint8Array}
 */
export function safetensorsOf(tensors) {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape, data }) => {
    const start = end;
    end += data.byteLength;
    return [name, { dtype, shape, data_offsets: [start, end] }];
  });
  const text = JSON.stringify(Object.fromEntries(entries));
  // Padded with spaces, so that numbers are aligned.
  const header = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, ...tensors.map(({ data }) => data)]);
}
