import { HeedError, type Tensor } from '@heed/core';
import { assertBlob, bytesOfBlob, checkOptions, integer, required, shown } from '@heed/core/backend';
import { READ, decode } from './decode.ts';
import { type PlacedTensor, type StoredTensor, headerEnd, noTensor, parseHeader } from './header.ts';

/** Rows of the first axis: from `start` up to, but not including, `end`. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** An open safetensors file: its header was read and checked; numbers are read on request. */
export interface SafetensorsFile {
  /** The file's own remarks. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Names of the tensors, in the order of the file. */
  readonly names: readonly string[];
  /** @throws HeedError `MISSING_INPUT` for a name that is not there. */
  describe(name: string): StoredTensor;
  /**
   * Reads a tensor, or rows of its first axis, and nothing else of the file. Types are those of {@link readSafetensors}.
   *
   * @throws HeedError `MISSING_INPUT` for a name that is not there, `SHAPE` for rows that are not there, `UNSUPPORTED` for
   * a type that no tensor holds, `ENGINE` when the file cannot be read.
   */
  tensor(name: string, rows?: RowRange): Promise<Tensor>;
  /**
   * Reads a tensor as `tensor` does, but leaves F16 and BF16 in their 16 bits, which `linear` of a backend may take as they are.
   *
   * @throws HeedError as `tensor` does.
   */
  stored(name: string): Promise<Tensor>;
  /**
   * Reads the tensors whose names begin with the prefix, one after another, under the rest of their names. Default: all.
   *
   * @throws HeedError as `tensor` does.
   */
  stateDict(prefix?: string): Promise<Record<string, Tensor>>;
}

/**
 * Opens a safetensors file of any size: reads only the header, and later what is requested. In Node, a `Blob` of
 * a file is `await fs.openAsBlob(path)`; in a browser, a `File` is one.
 *
 * @throws HeedError `ARGUMENT` with the clause that a malformed file breaks, as {@link readSafetensors}; `ENGINE` when the
 * file cannot be read.
 *
 * @example
 * ```ts
 * import { openSafetensors } from '@heed/layers';
 *
 * const header = '{"scale":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}';
 * const length = new Uint8Array([header.length, 0, 0, 0, 0, 0, 0, 0]);
 * const file = await openSafetensors(new Blob([length, header, new Float32Array([1, 2])]));
 * console.log((await file.tensor('scale', { start: 1, end: 2 })).data[0]); // 2
 * ```
 */
export async function openSafetensors(file: Blob): Promise<SafetensorsFile> {
  assertBlob(file, 'safetensors.length');
  const end = headerEnd(await bytesOfBlob(file, 0, Math.min(8, file.size)), file.size);
  const { metadata, tensors } = parseHeader(await bytesOfBlob(file, 0, end), file.size);
  const entryOf = (name: string): PlacedTensor => {
    const entry = tensors.get(name);
    if (entry === undefined) throw noTensor('file', name);
    return entry;
  };
  const names = [...tensors.keys()];
  const read = async (name: string, rows: RowRange | undefined, keepsHalf: boolean): Promise<Tensor> => {
    const entry = entryOf(name);
    if (!READ.has(entry.dtype)) return decode(name, entry, new Uint8Array(0));
    const part = rows === undefined ? entry : partOf(name, entry, rows);
    return decode(name, part, await bytesOfBlob(file, part.begin, part.end), keepsHalf);
  };
  const tensor = (name: string, rows?: RowRange): Promise<Tensor> => read(name, rows, false);
  return {
    metadata,
    names,
    describe(name) {
      const { dtype, shape } = entryOf(name);
      return { dtype, shape: [...shape] };
    },
    tensor,
    stored: (name) => read(name, undefined, true),
    stateDict: (prefix = '') => tensorsUnder(prefix, names, tensor),
  };
}

/** Reads the tensors whose names begin with a prefix, one after another, under the rest of their names. */
export async function tensorsUnder(
  prefix: string,
  names: readonly string[],
  tensor: SafetensorsFile['tensor'],
): Promise<Record<string, Tensor>> {
  const dict: Record<string, Tensor> = {};
  for (const name of names.filter((one) => one.startsWith(prefix))) {
    const value = await tensor(name);
    // Not an assignment: a file may have a tensor named __proto__.
    Object.defineProperty(dict, name.slice(prefix.length), { enumerable: true, value });
  }
  return dict;
}

/** The rows of a tensor, as a tensor of the file. */
function partOf(name: string, { dtype, shape, begin, end }: PlacedTensor, rows: RowRange): PlacedTensor {
  const row = required(integer(0));
  checkOptions('tensor()', rows, { start: row, end: row });
  const [count, ...inner] = shape;
  if (count === undefined || rows.start > rows.end || rows.end > count) {
    throw new HeedError(
      'SHAPE',
      `rows ${rows.start} to ${rows.end} of ${shown(name)}, which is ${shown(shape)}; expected 0 ≤ start ≤ end ≤ the first length`,
      { clause: 'safetensors.entry', remedy: 'describe(name) tells the shape' },
    );
  }
  // Not of `shape`: any of its lengths may be 0.
  const bytes = count === 0 ? 0 : (end - begin) / count;
  const part = { dtype, shape: [rows.end - rows.start, ...inner] };
  return { ...part, begin: begin + rows.start * bytes, end: begin + rows.end * bytes };
}
