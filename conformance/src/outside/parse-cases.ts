import type { ConformanceCase } from '../case.ts';
import { readOnnxTest } from './onnx.ts';
import type { ParsedCases } from './parsed-cases.ts';
import { errorAt } from './place.ts';
import { readCaseFile } from './read-case-file.ts';

/**
 * The cases of a file: in the suite's own format (CASES.md), or a test of an ONNX operator, or a list of those. Never
 * touches the file system: it runs anywhere.
 *
 * @param name of the file, for errors.
 * @throws HeedError that says the file and the place in it, `case.json: cases[2].inputs.key.shape`: `ARGUMENT`,
 * `SHAPE`, `DTYPE`, or the code that the request itself would have had.
 *
 * @example
 * ```ts
 * import { parseCases, verify } from '@heed/conformance';
 * import reference from '@heed/core/reference';
 *
 * const one = { dtype: 'float32', shape: [1, 1, 1, 1], data: [1] };
 * const text = JSON.stringify({
 *   format: 'heed-cases/1',
 *   source: 'by hand',
 *   cases: [{ id: 'one-key', inputs: { query: one, key: one, value: one }, expected: { output: one } }],
 * });
 * const { cases } = parseCases(text, 'example.json');
 * const report = await verify(reference, { cases });
 * console.log(report.passed, report.failed); // 1 0
 * ```
 */
export function parseCases(text: string, name: string): ParsedCases {
  const json = parseJson(text, name);
  if (Array.isArray(json) && json.length > 0)
    return joined(json.map((test, index) => readOnnxTest(test, name, [index])));
  const isOnnx = typeof json === 'object' && json !== null && Object.hasOwn(json, 'op');
  return isOnnx ? readOnnxTest(json, name, []) : readCaseFile(json, name);
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw errorAt('ARGUMENT', name, `is not JSON: ${(cause as Error).message}`, {
      cause,
      remedy: 'write NaN and Infinity, which JSON has not, as strings, or the tensor as base64',
    });
  }
}

/** All of them in one. */
export function joined(parsed: readonly ParsedCases[]): ParsedCases {
  return {
    cases: parsed.flatMap(({ cases }): readonly ConformanceCase[] => cases),
    notCovered: parsed.flatMap(({ notCovered }) => notCovered),
  };
}
