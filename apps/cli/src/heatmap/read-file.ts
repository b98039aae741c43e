import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AttentionRequest, HeedError, type Tensor, tensor } from '@heed/core';
import { parseCases } from '@heed/conformance';
import { readSafetensors } from '@heed/layers';
import { unzipSync } from 'fflate';
import { readNpy } from './npy.ts';

/** What a file holds that can be drawn. */
export interface Contents {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Labels of queries and keys, where the file has them. */
  readonly tokens?: readonly string[];
  /** Requests by the id of their case, where the file is one of cases. */
  readonly requests: ReadonlyMap<string, AttentionRequest>;
}

/**
 * Reads a file by its extension: `.safetensors`, `.npy`, `.npz`, `.json`.
 *
 * @throws HeedError `ARGUMENT` when it cannot be read, or is damaged; what the readers throw.
 */
export function readTensors(file: string): Contents {
  const read = READERS[path.extname(file).toLowerCase()];
  if (read === undefined) {
    throw new HeedError('ARGUMENT', `${file} is none of ${Object.keys(READERS).join(', ')}`, {
      remedy: 'save the weights as one of these, as with numpy.save or safetensors.numpy.save_file',
    });
  }
  let bytes: Uint8Array;
  try {
    // A copy: small buffers of Node share memory, slices of them too.
    bytes = new Uint8Array(readFileSync(file));
  } catch (error) {
    throw new HeedError('ARGUMENT', `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return read(bytes, path.basename(file));
}

const READERS: Record<string, (bytes: Uint8Array, name: string) => Contents> = {
  '.npy': (bytes, name) => only(new Map([[name.slice(0, -4), readNpy(bytes, name)]])),
  '.npz': (bytes, name) => only(readNpz(bytes, name)),
  '.safetensors': (bytes) => {
    const file = readSafetensors(bytes);
    // A model has many tensors that are no weights of attention: they are decoded when they are asked for.
    return only(lazily(file.names, (tensorName) => file.tensor(tensorName)));
  },
  '.json': readJSON,
};

function only(tensors: ReadonlyMap<string, Tensor>): Contents {
  return { tensors, requests: new Map() };
}

function readNpz(bytes: Uint8Array, name: string): Map<string, Tensor> {
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes, { filter: (entry) => entry.name.endsWith('.npy') });
  } catch (error) {
    throw new HeedError('ARGUMENT', `${name} is no .npz file: ${(error as Error).message}`, { cause: error });
  }
  return new Map(
    Object.entries(entries).map(([entry, data]) => [entry.slice(0, -4), readNpy(data, `${name}: ${entry}`)]),
  );
}

/** A map whose values are made when they are looked at. */
function lazily<T>(names: readonly string[], make: (name: string) => T): ReadonlyMap<string, T> {
  const map = new Map<string, T>(names.map((name) => [name, undefined as T]));
  map.get = (name) => (map.has(name) ? make(name) : undefined);
  return map;
}

/** `{ weights, tokens? }` as `heed demo --json` writes it, or a file of cases (CASES.md). */
function readJSON(bytes: Uint8Array, name: string): Contents {
  const text = new TextDecoder().decode(bytes);
  const rows = weightsOf(text);
  if (rows !== null) return { ...only(new Map([['weights', matrix(rows.weights, name)]])), ...rows.tokens };
  const { cases } = parseCases(text, name);
  return {
    tensors: new Map(),
    requests: new Map(
      cases.flatMap((one) => (one.kind === 'agreement' ? [[one.id, one.request()] as const] : [])),
    ),
  };
}

function weightsOf(text: string): { weights: unknown[]; tokens: { tokens?: readonly string[] } } | null {
  let json: { weights?: unknown; tokens?: unknown } | null;
  try {
    json = JSON.parse(text) as typeof json;
  } catch {
    // parseCases says what is wrong.
    return null;
  }
  if (!Array.isArray(json?.weights)) return null;
  return {
    weights: json.weights,
    tokens: Array.isArray(json.tokens) ? { tokens: json.tokens.map(String) } : {},
  };
}

/** Nested lists of two or four axes. */
function matrix(nested: unknown[], name: string): Tensor {
  const shape: number[] = [];
  for (let level: unknown = nested; Array.isArray(level); level = level[0]) shape.push(level.length);
  const numbers = nested.flat(Infinity);
  const size = shape.reduce((product, length) => product * length, 1);
  if (numbers.length !== size || !numbers.every((value) => typeof value === 'number')) {
    throw new HeedError('SHAPE', `${name}: weights is no list of rows of numbers, all of one length`, {
      remedy: 'write weights as [[…], […]], one row for each query',
    });
  }
  return tensor(shape, Float64Array.from(numbers as number[])) as Tensor;
}
