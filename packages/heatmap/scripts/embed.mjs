// Writes what toPNG needs as modules in embedded/: resvg, its WebAssembly, and the fonts. Bundlers include modules
// as they are, and our own resvg shares nothing with that of an application.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { unzlibSync, zlibSync } from 'fflate';
import { rolldown } from 'rolldown';

const FONTS = ['DejaVuSansMono', 'DejaVuSansMono-Bold', 'DejaVuSans', 'DejaVuSans-Bold'];
const folder = new URL('../embedded/', import.meta.url);
const locate = (name) => fileURLToPath(import.meta.resolve(name));
const read = async (name) => new Uint8Array(await readFile(locate(name)));
const write = (name, text) => writeFile(new URL(name, folder), text);
const packed = (bytes) => JSON.stringify(Buffer.from(zlibSync(bytes, { level: 9 })).toString('base64'));

/** The TrueType font in a WOFF file: the same tables, each inflated (W3C, WOFF 1.0, sections 3 to 5). */
function trueType(woff) {
  const from = new DataView(woff.buffer, woff.byteOffset, woff.byteLength);
  const count = from.getUint16(12);
  const tables = Array.from({ length: count }, (_, n) => {
    const [tag, offset, size, length, checksum] = [0, 4, 8, 12, 16].map((at) =>
      from.getUint32(44 + 20 * n + at),
    );
    const bytes = woff.subarray(offset, offset + size);
    return { tag, checksum, bytes: size < length ? unzlibSync(bytes) : bytes };
  });
  const aligned = (bytes) => Math.ceil(bytes / 4) * 4;
  const header = 12 + 16 * count;
  const font = new Uint8Array(tables.reduce((end, { bytes }) => end + aligned(bytes.length), header));
  const to = new DataView(font.buffer);
  const power = Math.floor(Math.log2(count));
  to.setUint32(0, from.getUint32(4));
  [count, 16 * 2 ** power, power, 16 * (count - 2 ** power)].forEach((number, n) =>
    to.setUint16(4 + 2 * n, number),
  );
  let offset = header;
  tables.forEach(({ tag, checksum, bytes }, n) => {
    [tag, checksum, offset, bytes.length].forEach((number, k) => to.setUint32(12 + 16 * n + 4 * k, number));
    font.set(bytes, offset);
    offset += aligned(bytes.length);
  });
  return font;
}

/** The characters of a TrueType font, as ranges: tables of format 12 hold them all (OpenType, `cmap`). */
function rangesOf(font) {
  const view = new DataView(font.buffer, font.byteOffset, font.byteLength);
  const records = Array.from({ length: view.getUint16(4) }, (_, n) => 12 + 16 * n);
  const cmap = view.getUint32(records.find((at) => view.getUint32(at) === 0x636d6170) + 8);
  const subtables = Array.from(
    { length: view.getUint16(cmap + 2) },
    (_, n) => cmap + view.getUint32(cmap + 8 + 8 * n),
  );
  const groups = subtables.find((at) => view.getUint16(at) === 12);
  return Array.from({ length: view.getUint32(groups + 12) }, (_, n) => {
    const at = groups + 16 + 12 * n;
    return [view.getUint32(at), view.getUint32(at + 4)];
  });
}

await mkdir(folder, { recursive: true });

const build = await rolldown({ input: locate('@resvg/resvg-wasm'), platform: 'browser' });
await build.write({ file: fileURLToPath(new URL('resvg.js', folder)), format: 'esm', minify: true });
await write('resvg.d.ts', "export { Resvg, initWasm } from '@resvg/resvg-wasm';\n");

const fonts = await Promise.all(FONTS.map((name) => read(`dejavu-fonts-ttf/ttf/${name}.ttf`)));
const engine = await read('@resvg/resvg-wasm/index_bg.wasm');
await write(
  'engine.js',
  `export const engine = ${packed(engine)};
export const fonts = [${fonts.map(packed).join()}];
export const ranges = ${JSON.stringify(rangesOf(fonts[FONTS.indexOf('DejaVuSans')]))};
`,
);
await write(
  'engine.d.ts',
  `/** Deflated, in base64. */
export const engine: string;
export const fonts: readonly string[];
/** First and last of the characters that DejaVu Sans has. */
export const ranges: readonly (readonly [number, number])[];
`,
);

await write(
  'wide-font.js',
  `export const font = ${packed(trueType(await read('@fontsource/unifontex/files/unifontex-latin-400-normal.woff')))};\n`,
);
await write('wide-font.d.ts', '/** Deflated, in base64. */\nexport const font: string;\n');
