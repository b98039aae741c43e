import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AttentionRequest, HeedError, type Tensor, tensor } from '@heed/core';
import { parseCases } from '@heed/conformance';
import { type Bytes, fileBytes } from './file-bytes.ts';
import { readNpy } from './npy.ts';
import { safetensorsOf } from './safetensors.ts';
import { type Stored, inMemory } from './stored.ts';
import { labels } from './tokens.ts';
import { zipMembers } from './zip.ts';

/** Contents of a file that can be drawn. */
export interface Contents {
  /** Tensors by name; one that cannot be read does not affect the others. */
  readonly tensors: ReadonlyMap<string, () => Stored>;
  readonly labels: Labels;
  /** Requests by the id of their case, if the file has cases. */
  readonly requests: ReadonlyMap<string, AttentionRequest<Tensor>>;
}

/** Labels of rows and columns; those of a decoder's queries and an encoder's keys differ. */
export interface Labels {
  readonly queries?: readonly string[];
  readonly keys?: readonly string[];
  /** Labels of both, if their numbers are equal. */
  readonly both?: readonly string[];
}

/**
 * Reads a file by its extension: `.safetensors`, `.npy`, `.npz`, `.json`. Of the first three, reads only what is
 * requested.
 *
 * @throws HeedError `ARGUMENT` when it cannot be read, or is damaged; what the readers throw.
 */
export function readTensors(file: string): Contents {
  const read = READERS[path.extname(file).toLowerCase()];
  if (read === undefined) {
    throw new HeedError(
      'ARGUMENT',
      `${file} has an unknown format; expected ${Object.keys(READERS).join(', ')}`,
      {
        remedy: 'save the weights as one of these, as with numpy.save or safetensors.numpy.save_file',
      },
    );
  }
  return read(file, path.basename(file));
}

const READERS: Record<string, (file: string, name: string) => Contents> = {
  '.npy': (file, name) => only(new Map([[name.slice(0, -4), () => readNpy(fileBytes(file), name)]])),
  '.npz': (file, name) => only(npzOf(fileBytes(file), name)),
  '.safetensors': (file) => only(safetensorsOf(fileBytes(file))),
  '.json': (file, name) => readJSON(textOf(file), name),
};

function only(tensors: Contents['tensors']): Contents {
  return { tensors, labels: {}, requests: new Map() };
}

function npzOf(archive: Bytes, name: string): Contents['tensors'] {
  const arrays = [...zipMembers(archive, name)].filter(([member]) => member.endsWith('.npy'));
  return new Map(
    arrays.map(([member, content]) => [member.slice(0, -4), () => readNpy(content(), `${name}: ${member}`)]),
  );
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new HeedError('ARGUMENT', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
      remedy: 'check the path and its permissions',
    });
  }
}

/**
 * `{ weights, tokens?, queryTokens?, keyTokens? }`, of which `heed demo --json` writes the first two, or a file of cases
 * (CASES.md).
 */
function readJSON(text: string, name: string): Contents {
  const json = parsed(text);
  if (isRecord(json) && 'weights' in json) {
    const weights = matrix(json['weights'], name);
    const named = (field: string): readonly string[] | undefined =>
      json[field] === undefined ? undefined : labels(json[field], `${name}: ${field}`);
    const [both, queries, keys] = ['tokens', 'queryTokens', 'keyTokens'].map(named);
    return {
      ...only(new Map([['weights', () => inMemory(weights)]])),
      labels: { ...(both && { both }), ...(queries && { queries }), ...(keys && { keys }) },
    };
  }
  if (json !== undefined && !looksLikeCases(json)) throw neither(json, name);
  const { cases } = parseCases(text, name);
  return {
    tensors: new Map(),
    labels: {},
    requests: new Map(
      cases.flatMap((one) => (one.kind === 'agreement' ? [[one.id, one.request()] as const] : [])),
    ),
  };
}

/** Parses JSON; undefined if it is invalid, for parseCases to say what is wrong. */
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

/** Returns whether JSON has the suite's own format, or is a test of an ONNX operator or a list of those. */
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

/** Axes of nested lists that are read. */
const MOST_AXES = 5;
/** Numbers that JSON has not. */
const NON_FINITE = ['NaN', 'Infinity', '-Infinity'];

/** Reads nested lists of two to five axes, level by level. */
function matrix(nested: unknown, name: string): Tensor {
  const shape: number[] = [];
  let level: readonly unknown[] = [nested];
  while (Array.isArray(level[0]) && shape.length < MOST_AXES) {
    const { length } = level[0];
    if (!level.every((row) => Array.isArray(row) && row.length === length)) throw notMatrix(name);
    shape.push(length);
    level = level.flat();
  }
  const isNumber = (value: unknown): boolean =>
    typeof value === 'number' || NON_FINITE.includes(value as string);
  if (shape.length === 0 || !level.every(isNumber)) throw notMatrix(name);
  return tensor(Float64Array.from(level, Number), shape) as Tensor;
}

function notMatrix(name: string): HeedError {
  return new HeedError('SHAPE', `${name}: weights is not a list of rows of numbers, all of one length`, {
    remedy: 'write weights as [[…], […]], one row for each query',
  });
}
