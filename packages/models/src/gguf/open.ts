import { HeedError, type StoredWeight, type Tensor } from '@heed/core';
import { assertBlob, bytesOfBlob, shown } from '@heed/core/backend';
import { Incomplete } from './cursor.ts';
import { dequantize, storedOf } from './dequantize.ts';
import { type Entry, type Header, type Metadata, parseHeader } from './header.ts';
import { READ_NAMES, type ReadType } from './types.ts';

/** An open GGUF file: its header was read and checked; numbers are read on request. */
export interface GGUFFile {
  /** Metadata by key: the model's numbers, its tokenizer, its chat template. */
  readonly metadata: Metadata;
  /** Names of the tensors, in the order of the file. */
  readonly names: readonly string[];
  /**
   * Returns the type in the format's spelling, `Q4_1`, and the shape, row-major: a matrix is `[out, in]`.
   *
   * @throws HeedError `MISSING_INPUT` for a name that is not there.
   */
  describe(name: string): { readonly type: string; readonly shape: readonly number[] };
  /**
   * Reads a tensor and nothing else of the file. F32, F16, Q8_0, Q4_0 and Q4_1 become float32, exactly.
   *
   * @throws HeedError `MISSING_INPUT` for a name that is not there, `UNSUPPORTED` for another type, `ENGINE` when the file
   * cannot be read.
   */
  tensor(name: string): Promise<Tensor<'float32'>>;
  /**
   * Reads a tensor as it is stored: float16, or the bytes of its blocks, which `linear` of a backend may take as they are.
   *
   * @throws HeedError as `tensor` does.
   */
  stored(name: string): Promise<Tensor<'float32'> | StoredWeight>;
}

/** Bytes that are read first: most headers without a tokenizer. */
const FIRST_BYTES = 2 ** 20;

/**
 * Opens a GGUF file (ggml's format, version 3, little-endian) of any size: reads only the header, and later what is
 * requested. In Node, a `Blob` of a file is `await fs.openAsBlob(path)`; in a browser, a `File` is one.
 *
 * @throws HeedError `ARGUMENT` with the clause that a malformed file breaks: `gguf.header`, `gguf.metadata`, `gguf.tensor` or
 * `gguf.layout`; `ENGINE` when the file cannot be read.
 *
 * @example
 * ```ts
 * import { openGGUF } from '@heed/models';
 *
 * const header = new Uint32Array([0x46554747, 3, 0, 0, 0, 0]); // "GGUF", the version, no tensors, no metadata
 * console.log((await openGGUF(new Blob([header]))).names.length); // 0
 * ```
 */
export async function openGGUF(file: Blob): Promise<GGUFFile> {
  assertBlob(file, 'gguf.header');
  const { metadata, entries } = await readHeader(file);
  const entryOf = (name: string): Entry => {
    const entry = entries.get(name);
    if (entry === undefined) {
      throw new HeedError('MISSING_INPUT', `the file has no tensor ${shown(name)}`, {
        remedy: 'choose from the names of the file',
      });
    }
    return entry;
  };
  const stored = async (name: string): Promise<Tensor<'float32'> | StoredWeight> => {
    const { type, shape, begin, bytes } = entryOf(name);
    if (bytes === null) {
      throw new HeedError(
        'UNSUPPORTED',
        `${shown(name)} is ${type.name}; expected one of ${READ_NAMES.join(', ')}`,
        {
          clause: 'gguf.tensor',
          remedy: 'take the model in Q8_0, Q4_0, Q4_1, F16 or F32, or convert it with llama-quantize',
        },
      );
    }
    return storedOf(type.name as ReadType, shape, await bytesOfBlob(file, begin, begin + bytes));
  };
  return {
    metadata,
    names: [...entries.keys()],
    describe(name) {
      const { type, shape } = entryOf(name);
      return { type: type.name, shape: [...shape] };
    },
    stored,
    tensor: async (name) => dequantize(await stored(name)),
  };
}

/** Reads more and more of the file, until its header is complete. */
async function readHeader(file: Blob): Promise<Header> {
  for (let length = FIRST_BYTES; ;) {
    const end = Math.min(length, file.size);
    try {
      return parseHeader(await bytesOfBlob(file, 0, end), file.size);
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error;
      length = Math.max(4 * length, error.needed);
    }
  }
}
