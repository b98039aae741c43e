import { HeedError, type PerBatch, type Tensor, isResident } from '@heed/core';
import { type CaseRequest, askedBy } from '../case-request.ts';
import type { AgreementCase } from '../case.ts';
import type { CaseFile, FileExpected, FileInputs, FileOptions, SingleCase } from './case-file.ts';
import { encodeTensor } from './encoded-tensor.ts';
import { parseCases } from './parse-cases.ts';
import { referenceValues } from './reference-values.ts';

/**
 * Writes cases as the text of a case file, which {@link parseCases} reads back, to the bit. A request asks for exactly
 * the expected results.
 *
 * @param source who computed the expected values, with what.
 * @param cases those without expected values get the reference's, in float64.
 * @throws HeedError `ARGUMENT` when a request asks for other results than are expected, or has resident tensors; and
 * whatever `parseCases` would say to the file.
 *
 * @example
 * ```ts
 * import { caseFile, parseCases } from '@heed/conformance';
 * import { tensor } from '@heed/core';
 *
 * const x = tensor(new Float32Array([1, 2]), [1, 1, 2, 1]);
 * const text = caseFile('the float64 reference', [
 *   {
 *     kind: 'agreement',
 *     id: 'causal-pair',
 *     clause: 'causal',
 *     request: () => ({ query: x, key: x, value: x, causal: true }),
 *   },
 * ]);
 * console.log(parseCases(text, 'pair.json').cases[0]!.id); // causal-pair
 * ```
 */
export function caseFile(source: string, cases: readonly AgreementCase[]): string {
  const file: CaseFile = { format: 'heed-cases/1', source, cases: cases.map(singleCase) };
  const text = JSON.stringify(file, null, 1).replaceAll(LIST, (list) => list.replaceAll(/\s+/g, ' '));
  parseCases(text, 'the cases to write');
  return text;
}

/** A list of numbers, which JSON.stringify spreads over as many lines. */
const LIST = /\[\n[^[\]{}]*\]/g;

function singleCase(given: AgreementCase): SingleCase {
  const { id, clause, purpose, request: makeRequest, dOutput, expected } = given;
  const request = makeRequest();
  const values = expected?.values ?? referenceValues(given);
  checkAsked(id, request, Object.keys(values));
  return {
    id,
    clause,
    ...(purpose !== undefined && { purpose }),
    ...(expected && expected.tolerance > 0 && { tolerance: expected.tolerance }),
    options: optionsOf(request),
    inputs: inputsOf(request, request.gradient ? dOutput?.() : undefined),
    expected: Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, encodeTensor(value)]),
    ) as FileExpected,
  };
}

/** The file does not say what is asked for besides what is expected: reading it back must give the same request. */
function checkAsked(id: string, request: CaseRequest, expected: readonly string[]): void {
  const asked = askedBy(request).flatMap((name) =>
    name === 'statistics' ? ['rowMax', 'rowSum'] : [name as string],
  );
  const forward = expected.filter((name) => !name.startsWith('d'));
  const gradients = forward.length < expected.length;
  // A call for only its gradients need not expect the output, which is requested by default.
  const byDefault = gradients && forward.length === 0 && asked.join() === 'output';
  const same = new Set(asked).size === new Set(forward).size && asked.every((name) => forward.includes(name));
  if ((!same && !byDefault) || gradients !== (request.gradient ?? false)) {
    throw new HeedError(
      'ARGUMENT',
      `case ${id} asks for ${asked.join(', ')}${request.gradient ? ' and gradients' : ''}; it expects ${expected.join(', ')}`,
      { remedy: 'expect exactly what the request asks for' },
    );
  }
}

function optionsOf(request: CaseRequest): FileOptions {
  const { layout, scale, softcap, causal, window, alignment, selection, ring } = request;
  const { valueFromKey, origin, dropout } = request;
  const options = {
    layout,
    scale,
    softcap,
    causal,
    window,
    alignment: typeof alignment === 'object' ? 'offset' : alignment,
    selection,
    ring,
    valueFromKey,
    origin,
    dropout,
  } as const;
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined && value !== null),
  );
}

function inputsOf(request: CaseRequest, dOutput: Tensor | undefined): FileInputs {
  const { query, key, value, keyScales, valueScales, blockTable, seed } = request;
  const { mask, bias, querySegments, keySegments, alibiSlopes, sinks } = request;
  const { alignment, keyLengths, keyStarts, queryLengths } = request;
  const tensors = {
    ...{ query, key, value, keyScales, valueScales, blockTable },
    ...{ mask, bias, querySegments, keySegments, alibiSlopes, sinks, dOutput },
  };
  const batch = query.shape[0]!;
  const lists = {
    offsets: typeof alignment === 'object' ? alignment.offset : undefined,
    keyLengths,
    keyStarts,
    queryLengths,
  };
  return {
    ...mapDefined(tensors, (tensor, name) => {
      if (!isResident(tensor)) return encodeTensor(tensor);
      throw new HeedError('ARGUMENT', `${name} is resident; expected a plain tensor`, {
        remedy: 'read() it',
      });
    }),
    ...mapDefined(lists, (list) => listOf(list, batch)),
    ...(seed !== undefined && { seed }),
  } as FileInputs;
}

function mapDefined<T, R>(
  values: Record<string, T | undefined>,
  change: (value: T, name: string) => R,
): object {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, change(value, name)]],
    ),
  );
}

function listOf(values: number | PerBatch, batch: number): readonly number[] {
  if (typeof values === 'number') return Array.from({ length: batch }, () => values);
  return 'data' in values ? Array.from(values.data) : values;
}
