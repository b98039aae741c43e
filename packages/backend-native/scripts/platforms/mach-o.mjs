/** Reads what a 64-bit Mach-O file needs and offers, and whether it is signed. */
export function readMachO(bytes) {
  const u32 = (at) => bytes.readUInt32LE(at);
  const textAt = (at) => bytes.toString('latin1', at, bytes.indexOf(0, at));
  const [SYMTAB, LOAD_DYLIB, SIGNATURE] = [0x2, 0xc, 0x1d];
  const [UNDEFINED, EXTERNAL, TYPE, PRIVATE, DEBUGGING] = [0, 0x01, 0x0e, 0x10, 0xe0];
  const commands = [];
  for (let at = 32; commands.length < u32(16); at += u32(at + 4)) commands.push(at);
  const named = (command) => commands.filter((at) => u32(at) === command);

  const libraries = named(LOAD_DYLIB).map((at) => textAt(at + u32(at + 8)));
  const isSigned = named(SIGNATURE).length > 0;
  const exports = [];
  const imports = [];
  for (const at of named(SYMTAB)) {
    for (let symbol = 0; symbol < u32(at + 12); symbol++) {
      const entry = u32(at + 8) + 16 * symbol;
      const type = bytes[entry + 4];
      if ((type & EXTERNAL) === 0 || (type & DEBUGGING) !== 0) continue;
      // C's names have an underscore before them.
      const name = textAt(u32(at + 16) + u32(entry)).replace(/^_/, '');
      // Library that it is looked up in; none if the whole process is searched.
      const library = libraries[bytes[entry + 7] - 1];
      if ((type & TYPE) === UNDEFINED) imports.push({ name, library });
      else if ((type & PRIVATE) === 0) exports.push(name);
    }
  }
  const architecture = { 0x01000007: 'x64', 0x0100000c: 'arm64' }[u32(4)];
  return { architecture, exports, imports, libraries, isSigned };
}
