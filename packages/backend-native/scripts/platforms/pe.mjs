/** Reads what a 64-bit Windows file needs and offers: imports with the library that they come from. */
export function readPe(bytes) {
  const u16 = (at) => bytes.readUInt16LE(at);
  const u32 = (at) => bytes.readUInt32LE(at);
  const textAt = (at) => bytes.toString('latin1', at, bytes.indexOf(0, at));
  const header = u32(0x3c);
  const optional = header + 24;
  const sections = Array.from({ length: u16(header + 6) }, (_, n) => {
    const at = optional + u16(header + 20) + 40 * n;
    return { address: u32(at + 12), size: u32(at + 16), offset: u32(at + 20) };
  });
  /** Offset in the file of an address in memory. */
  const place = (address) => {
    const { address: begin, offset } = sections.find(
      (section) => address >= section.address && address < section.address + section.size,
    );
    return address - begin + offset;
  };
  const directory = (n) => u32(optional + 112 + 8 * n);
  const exports = [];
  if (directory(0) !== 0) {
    const at = place(directory(0));
    const names = place(u32(at + 32));
    for (let n = 0; n < u32(at + 24); n++) exports.push(textAt(place(u32(names + 4 * n))));
  }
  const imports = [];
  const libraries = [];
  for (let at = place(directory(1)); u32(at + 12) !== 0; at += 20) {
    const library = textAt(place(u32(at + 12)));
    libraries.push(library);
    for (let entry = place(u32(at) || u32(at + 16)); bytes.readBigUInt64LE(entry) !== 0n; entry += 8) {
      imports.push({ name: textAt(place(u32(entry)) + 2), library });
    }
  }
  return { architecture: { 0x8664: 'x64', 0xaa64: 'arm64' }[u16(header + 4)], exports, imports, libraries };
}
