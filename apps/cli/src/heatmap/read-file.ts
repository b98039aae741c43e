import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AttentionRequest, HeedError, type Tensor, tensor } from '@heed/core';
import { parseCases } from '@heed/conformance';
import { readSafetensors } from '@heed/layers';
import { unzipSync } from 'fflate';
import { readNpy } from './npy.ts';
import { labels } from './tokens.ts';

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
  const json = parsed(text);
  if (isRecord(json) && 'weights' in json) {
    const weights = only(new Map([['weights', matrix(json['weights'], name)]]));
    if (json['tokens'] === undefined) return weights;
    return { ...weights, tokens: labels(json['tokens'], `${name}: tokens`) };
  }
  if (json !== undefined && !looksLikeCases(json)) throw neither(json, name);
  const { cases } = parseCases(text, name);
  return {
    tensors: new Map(),
    requests: new Map(
      cases.flatMap((one) => (one.kind === 'agreement' ? [[one.id, one.request()] as const] : [])),
    ),
  };
}

/** Undefined when it is no JSON: parseCases says what is wrong. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** The suite's own format, a test of an ONNX operator, or a list of those. */
function looksLikeCases(json: unknown): boolean {
  if (Array.isArray(json)) return json.length > 0 && json.every(isRecord);
  return isRecord(json) && ('format' in json || 'op' in json);
}

function neither(json: unknown, name: string): HeedError {
  const has = isRecord(json)
    ? `it has ${Object.keys(json).slice(0, 6).join(', ') || 'nothing'}`
    : 'it has no names';
  return new HeedError('ARGUMENT', `${name} holds neither "weights" nor cases: ${has}`, {
    remedy: 'write { "weights": [[…], […]] }; files of cases have a "format", see CASES.md',
  });
}

/** Nested lists of two or four axes. */
function matrix(nested: unknown, name: string): Tensor {
  const shape: number[] = [];
  for (let level: unknown = nested; Array.isArray(level); level = level[0]) shape.push(level.length);
  const numbers: unknown[] = [nested].flat(Infinity);
  const size = shape.reduce((product, length) => product * length, 1);
  if (
    !Array.isArray(nested) ||
    numbers.length !== size ||
    !numbers.every((value) => typeof value === 'number')
  ) {
    throw new HeedError('SHAPE', `${name}: weights is no list of rows of numbers, all of one length`, {
      remedy: 'write weights as [[…], […]], one row for each query',
    });
  }
  return tensor(Float64Array.from(numbers as number[]), shape) as Tensor;
}
