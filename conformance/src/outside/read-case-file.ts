import type { AttentionRequest, OutputName, Tensor } from '@heed/core';
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

/** What a file has under `inputs`, its tensors decoded. */
type DecodedInputs = Omit<AttentionRequest, 'query' | 'key' | 'value'> &
  Partial<Pick<AttentionRequest, 'query' | 'key' | 'value'>> & { offsets?: number[]; dOutput?: Tensor };

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

/** What a case is meant to be, so that an error is about that. */
function hasSteps(unchecked: unknown): boolean {
  return typeof unchecked === 'object' && unchecked !== null && Object.hasOwn(unchecked, 'steps');
}

function readSingle(theCase: SingleCase, place: string, source: string): AgreementCase {
  const { id, clause, options, tolerance = 0 } = theCase;
  const { dOutput, ...inputs } = decodeInputs(theCase.inputs, `${place}.inputs`);
  const values = decodeExpected(theCase.expected, `${place}.expected`);
  const request = requestOf(options, inputs, values);
  return checkedCase(
    { id, clause, request, dOutput, expected: { source, tolerance, values } },
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
    const request = requestOf(theCase.options, inputs, values);
    const expected = { source, tolerance, values };
    checkExpected(checkedProblem(request, here), request, expected, (name) => `${here}.expected.${name}`);
    const write = step.write && {
      start: step.write.start,
      key: decodeTensor(step.write.key, `${here}.write.key`),
      value: decodeTensor(step.write.value, `${here}.write.value`),
    };
    return { place: here, write, request, expected };
  });
  return cacheSequence(theCase.id, theCase.clause, steps as [SequenceStep, ...SequenceStep[]]);
}

function decodeInputs(inputs: Partial<FileInputs>, place: string): DecodedInputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      typeof value === 'object' && 'dtype' in value ? decodeTensor(value, `${place}.${name}`) : value,
    ]),
  );
}

function decodeExpected(expected: FileExpected, place: string): Tensors {
  const entries = Object.entries(expected) as [string, EncodedTensor][];
  return Object.fromEntries(entries.map(([name, value]) => [name, decodeTensor(value, `${place}.${name}`)]));
}

/** What is expected says what is asked for. */
function requestOf(
  { alignment, ...options }: FileOptions = {},
  { offsets = [], ...inputs }: DecodedInputs,
  values: Tensors,
): AttentionRequest {
  const outputs = (['output', 'weights', 'logSumExp', 'choice'] as OutputName[]).filter(
    (name) => name in values,
  );
  if ('rowMax' in values) outputs.push('statistics');
  const gradient = Object.keys(values).some((name) => name.startsWith('d'));
  return {
    ...options,
    ...(inputs as AttentionRequest),
    ...(alignment && { alignment: alignment === 'offset' ? { offset: offsets } : alignment }),
    ...(outputs.length > 0 && { outputs }),
    ...(gradient && { gradient }),
  };
}
