import type { OutputName, Tensor } from '@heed/core';
import { type CaseRequest, asking } from '../case-request.ts';
import type { AgreementCase, ConformanceCase } from '../case.ts';
import { type SequenceStep, cacheSequence } from './cache-sequence.ts';
import {
  type FileExpected,
  type FileInputs,
  type FileOptions,
  type SequenceCase,
  type SingleCase,
  fileOfAnythingSchema,
  sequenceCaseSchema,
  singleCaseSchema,
} from './case-file.ts';
import { checkForm } from './check-form.ts';
import { checkExpected, checkedCase, checkedProblem } from './checked-case.ts';
import { type EncodedTensor, decodeTensor } from './encoded-tensor.ts';
import type { ParsedCases } from './parsed-cases.ts';
import { errorAt, placeOf } from './place.ts';

type Tensors = Readonly<Record<string, Tensor>>;

/** The entry `inputs` of a file, with its tensors decoded. */
type DecodedInputs = Omit<CaseRequest, 'query' | 'key' | 'value'> &
  Partial<Pick<CaseRequest, 'query' | 'key' | 'value'>> & { offsets?: number[]; dOutput?: Tensor };

/** Cases in the suite's own format, from parsed JSON. Everything is checked before it returns. */
export function readCaseFile(json: unknown, file: string): ParsedCases {
  const { source, cases } = checkForm(fileOfAnythingSchema, json, file, []);
  const ids = new Set<string>();
  const read = cases.map((unchecked, index): ConformanceCase => {
    const path = ['cases', index];
    const place = placeOf(file, path);
    const theCase = hasSteps(unchecked)
      ? readSequence(checkForm(sequenceCaseSchema, unchecked, file, path), place, source)
      : readSingle(checkForm(singleCaseSchema, unchecked, file, path), place, source);
    if (ids.has(theCase.id))
      throw errorAt('ARGUMENT', `${place}.id`, `${theCase.id} is the id of another case`);
    ids.add(theCase.id);
    return theCase;
  });
  return { cases: read, notCovered: [] };
}

/** Returns whether a case is meant as a sequence, so that an error is about the intended form. */
function hasSteps(unchecked: unknown): boolean {
  return typeof unchecked === 'object' && unchecked !== null && Object.hasOwn(unchecked, 'steps');
}

function readSingle(theCase: SingleCase, place: string, source: string): AgreementCase {
  const { id, clause, purpose, options, tolerance = 0 } = theCase;
  const { dOutput, ...inputs } = decodeInputs(theCase.inputs, `${place}.inputs`);
  const values = decodeExpected(theCase.expected, `${place}.expected`);
  const request = requestOf(options, inputs, values, place);
  return checkedCase(
    { id, clause, purpose, request, dOutput, expected: { source, tolerance, values } },
    place,
    (name) => (name === 'dOutput' ? `${place}.inputs.dOutput` : `${place}.expected.${name}`),
  );
}

function readSequence(theCase: SequenceCase, place: string, source: string): ConformanceCase {
  const { tolerance = 0 } = theCase;
  const constant = decodeInputs(theCase.inputs, `${place}.inputs`);
  const steps = theCase.steps.map((step, index): SequenceStep => {
    const here = `${place}.steps[${index}]`;
    const values = decodeExpected(step.expected, `${here}.expected`);
    const inputs = { ...constant, ...decodeInputs(step.inputs ?? {}, `${here}.inputs`) };
    const request = requestOf(theCase.options, inputs, values, here);
    const expected = { source, tolerance, values };
    checkExpected(checkedProblem(request, here), request, expected, (name) => `${here}.expected.${name}`);
    const write = step.write && {
      start: step.write.start,
      key: decodeTensor(step.write.key, `${here}.write.key`),
      value: decodeTensor(step.write.value, `${here}.write.value`),
    };
    return { place: here, write, request, expected };
  });
  return cacheSequence(theCase.id, theCase, steps as [SequenceStep, ...SequenceStep[]]);
}

function decodeInputs(
  inputs: { readonly [Name in keyof FileInputs]?: FileInputs[Name] | null },
  place: string,
): DecodedInputs {
  return Object.fromEntries(
    given(inputs).map(([name, value]) => [
      name,
      typeof value === 'object' && 'dtype' in value ? decodeTensor(value, `${place}.${name}`) : value,
    ]),
  );
}

function decodeExpected(expected: FileExpected, place: string): Tensors {
  const entries = Object.entries(expected) as [string, EncodedTensor][];
  return Object.fromEntries(entries.map(([name, value]) => [name, decodeTensor(value, `${place}.${name}`)]));
}

/** The entries that are not null. */
function given<T extends object>(entries: T): [string, NonNullable<T[keyof T]>][] {
  return Object.entries(entries).filter(([, value]) => value !== null);
}

/** Request of a case; the expected values determine the requested results. */
function requestOf(
  options: FileOptions = {},
  { offsets, ...inputs }: DecodedInputs,
  values: Tensors,
  place: string,
): CaseRequest {
  const alignment = options.alignment ?? undefined;
  checkOffsets(alignment, offsets, inputs.query?.shape[0], `${place}.inputs.offsets`);
  const outputs = (['output', 'weights', 'logSumExp', 'choice'] as OutputName[]).filter(
    (name) => name in values,
  );
  if ('rowMax' in values) outputs.push('statistics');
  const gradient = Object.keys(values).some((name) => name.startsWith('d'));
  return {
    ...Object.fromEntries(given(options)),
    ...(inputs as CaseRequest),
    ...(alignment && { alignment: alignment === 'offset' ? { offset: offsets! } : alignment }),
    ...(outputs.length > 0 && asking(outputs)),
    ...(gradient && { gradient }),
  };
}

/** Offsets and the alignment that reads them come together: without the other, neither would have a meaning. */
function checkOffsets(
  alignment: FileOptions['alignment'],
  offsets: readonly number[] | undefined,
  batch: number | undefined,
  place: string,
): void {
  if (alignment === 'offset' && offsets === undefined) {
    throw errorAt('MISSING_INPUT', place, 'is missing; options.alignment is "offset", which reads it');
  }
  if (offsets === undefined) return;
  if (alignment !== 'offset') {
    const what = alignment === undefined ? 'missing' : JSON.stringify(alignment);
    throw errorAt(
      'UNEXPECTED_INPUT',
      place,
      `is given; options.alignment is ${what}, "offset" would read it`,
    );
  }
  if (batch !== undefined && offsets.length !== batch) {
    throw errorAt(
      'SHAPE',
      place,
      `has ${offsets.length} numbers; expected one for each of the batch of ${batch}`,
    );
  }
}
