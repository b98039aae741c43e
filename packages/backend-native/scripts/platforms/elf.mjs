/** Reads what a 64-bit ELF file needs and offers: its dynamic symbols with the versions that they are bound to. */
export function readElf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u16 = (at) => view.getUint16(at, true);
  const u32 = (at) => view.getUint32(at, true);
  const u64 = (at) => Number(view.getBigUint64(at, true));
  const textAt = (at) => bytes.toString('latin1', at, bytes.indexOf(0, at));

  const sections = Array.from({ length: u16(60) }, (_, n) => {
    const at = u64(40) + n * u16(58);
    return { type: u32(at + 4), offset: u64(at + 24), size: u64(at + 32), link: u32(at + 40) };
  });
  const find = (type) => sections.find((section) => section.type === type);
  const [DYNAMIC, DYNSYM, VERNEED, VERSYM] = [6, 11, 0x6ffffffe, 0x6fffffff];

  const symbols = find(DYNSYM);
  const names = sections[symbols.link].offset;
  const versions = versionNames(find(VERNEED));
  const versionOf = find(VERSYM);
  const exports = [];
  const imports = [];
  for (let n = 1; n < symbols.size / 24; n++) {
    const at = symbols.offset + 24 * n;
    const name = textAt(names + u32(at));
    if (u16(at + 6) !== 0) exports.push(name);
    else imports.push({ name, version: versionOf && versions.get(u16(versionOf.offset + 2 * n) & 0x7fff) });
  }
  const dynamic = find(DYNAMIC);
  const NEEDED = 1;
  const libraries = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
    if (u64(at) === NEEDED) libraries.push(textAt(sections[dynamic.link].offset + u64(at + 8)));
  }
  return { architecture: { 62: 'x64', 183: 'arm64' }[u16(18)], exports, imports, libraries };

  /** Versions by the index that symbols refer to them with. */
  function versionNames(section) {
    const found = new Map();
    if (section === undefined) return found;
    const texts = sections[section.link].offset;
    for (let at = section.offset, next = -1; next !== 0; at += next) {
      next = u32(at + 12);
      let aux = at + u32(at + 8);
      for (let n = 0; n < u16(at + 2); n++, aux += u32(aux + 12)) {
        found.set(u16(aux + 6), textAt(texts + u32(aux + 8)));
      }
    }
    return found;
  }
}
