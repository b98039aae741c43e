import type { HeedError } from '@heed/core';
import * as v from 'valibot';
import { errorAt, placeOf } from './place.ts';

type Path = readonly (string | number)[];

/**
 * A value from a file, if it has the form of the schema.
 *
 * @param path of the value in the file.
 * @throws HeedError `DTYPE` or `SHAPE` when a tensor's is wrong, `ARGUMENT` for anything else; it says the place.
 */
export function checkForm<T>(
  schema: v.GenericSchema<unknown, T>,
  value: unknown,
  file: string,
  path: Path,
): T {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (!result.success) throw formError(file, path, result.issues[0]);
  const place = arrayForObject(value, result.output, path);
  if (place !== null) throw errorAt('ARGUMENT', placeOf(file, place), 'is an array; expected an object');
  return result.output;
}

/** Place of an array instead of an object: valibot accepts one as an object without entries. */
function arrayForObject(value: unknown, output: unknown, path: Path): Path | null {
  if (typeof output !== 'object' || output === null || value === output) return null;
  if (Array.isArray(value) && !Array.isArray(output)) return path;
  for (const [key, inner] of Object.entries(output)) {
    if (typeof inner !== 'object') continue;
    const index = Array.isArray(output) ? Number(key) : key;
    const place = arrayForObject((value as Record<string, unknown>)[key], inner, [...path, index]);
    if (place !== null) return place;
  }
  return null;
}

function formError(file: string, start: Path, first: v.BaseIssue<unknown>): HeedError {
  const { issue, path } = deepest(first, start);
  const tensorPart = path.findLast((step) => step === 'dtype' || step === 'shape');
  const code = tensorPart === 'dtype' ? 'DTYPE' : tensorPart === 'shape' ? 'SHAPE' : 'ARGUMENT';
  const isKey = issue.type.endsWith('object');
  const missing = isKey && issue.received === 'undefined';
  const unknown = isKey && issue.expected === 'never';
  const message = missing ? 'is missing' : unknown ? 'is not known here' : issue.message;
  return errorAt(code, placeOf(file, path), message);
}

/** Deepest fault of a choice without a match: it belongs to the intended alternative. */
function deepest(issue: v.BaseIssue<unknown>, start: Path): { issue: v.BaseIssue<unknown>; path: Path } {
  const here = { issue, path: [...start, ...(issue.path ?? []).map(({ key }) => key as string | number)] };
  const inside = (issue.issues ?? []).map((inner) => deepest(inner, here.path));
  return inside.reduce((best, next) => (next.path.length > best.path.length ? next : best), here);
}
