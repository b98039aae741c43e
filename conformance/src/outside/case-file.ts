import * as v from 'valibot';
import { type EncodedTensor, tensorEntries } from './encoded-tensor.ts';

/** The suite's own format of case files, described in CASES.md. */
export interface CaseFile {
  readonly format: 'heed-cases/1';
  /** Path of `case.schema.json`, for editors; not read. */
  readonly $schema?: string;
  /** Source of the expected values: `torch 2.15.0, float64 on a CPU`. */
  readonly source: string;
  readonly cases: readonly FileCase[];
}

/** One comparison, or a sequence of calls on one key/value cache. */
export type FileCase = SingleCase | SequenceCase;

interface FileCaseBase {
  /** Unique in its file. */
  readonly id: string;
  /** A clause of SPEC.md. Default: one that the problem uses. */
  readonly clause?: string;
  /** Purpose of the case, in a sentence: shown when it fails. */
  readonly purpose?: string;
  /** The error of the expected values themselves, added to the bound of the clause `accuracy`. Default 0. */
  readonly tolerance?: number;
  readonly options?: FileOptions;
}

export interface SingleCase extends FileCaseBase {
  readonly inputs: FileInputs;
  readonly expected: FileExpected;
}

/** `inputs.key` and `inputs.value` are what the cache holds at first, at its full capacity. */
export interface SequenceCase extends FileCaseBase {
  readonly inputs: Pick<FileInputs, 'key' | 'value'> & StepInputs;
  readonly steps: readonly FileStep[];
}

/** Inputs that may change from step to step. */
type StepInputs = Omit<FileInputs, 'query' | 'key' | 'value' | 'dOutput'> & {
  readonly query?: EncodedTensor | null;
};

export interface FileStep {
  /** Rows that go into the cache before the call, from row `start` on. */
  readonly write?: { readonly start: number; readonly key: EncodedTensor; readonly value: EncodedTensor };
  /** In place of the case's inputs of the same name, or besides them. */
  readonly inputs?: StepInputs;
  readonly expected: Omit<FileExpected, `d${string}`>;
}

/** Options of a request, with the same defaults. Null means not given. */
export interface FileOptions {
  readonly layout?: 'bhld' | 'blhd' | null;
  readonly scale?: number | null;
  readonly softcap?: number | null;
  readonly causal?: boolean | null;
  readonly window?: { readonly left?: number | null; readonly right?: number | null } | null;
  /** `offset`: given by `inputs.offsets`. */
  readonly alignment?: 'topLeft' | 'bottomRight' | 'offset' | null;
  readonly selection?: 'softmax' | 'argmax' | 'sample' | null;
  readonly ring?: boolean | null;
  readonly valueFromKey?: { readonly start: number; readonly length: number } | null;
  readonly dropout?: { readonly probability: number; readonly seed: number } | null;
  readonly origin?: { readonly [Name in 'batch' | 'head' | 'query' | 'key']?: number } | null;
}

/** The inputs of a run, and the gradient of the output. Null means not given. */
export interface FileInputs {
  readonly query: EncodedTensor;
  readonly key: EncodedTensor;
  /** Not there with `valueFromKey`. */
  readonly value?: EncodedTensor;
  readonly keyScales?: EncodedTensor | null;
  readonly valueScales?: EncodedTensor | null;
  readonly blockTable?: EncodedTensor | null;
  readonly mask?: EncodedTensor | null;
  readonly bias?: EncodedTensor | null;
  readonly offsets?: readonly number[] | null;
  readonly keyLengths?: readonly number[] | null;
  readonly keyStarts?: readonly number[] | null;
  readonly queryLengths?: readonly number[] | null;
  readonly querySegments?: EncodedTensor | null;
  readonly keySegments?: EncodedTensor | null;
  readonly alibiSlopes?: EncodedTensor | null;
  readonly sinks?: EncodedTensor | null;
  readonly seed?: number | null;
  readonly dOutput?: EncodedTensor | null;
}

/** Expected results. They also determine the request: a call returns these outputs, and gradients if there is one. */
export interface FileExpected {
  readonly output?: EncodedTensor;
  readonly weights?: EncodedTensor;
  readonly logSumExp?: EncodedTensor;
  readonly rowMax?: EncodedTensor;
  readonly rowSum?: EncodedTensor;
  readonly choice?: EncodedTensor;
  readonly dQuery?: EncodedTensor;
  readonly dKey?: EncodedTensor;
  readonly dValue?: EncodedTensor;
  readonly dBias?: EncodedTensor;
  readonly dSinks?: EncodedTensor;
}

const tensor = v.pipe(
  v.strictObject(tensorEntries),
  v.description(
    'data is base64 of little-endian, row-major bytes (bool: one byte), or a list of numbers. int64 is read as int32.',
  ),
);
/** May be omitted, or null, which many languages write for a missing value. */
function optional<T>(
  schema: v.GenericSchema<T>,
): v.ExactOptionalSchema<v.NullableSchema<v.GenericSchema<T>, undefined>, undefined> {
  return v.exactOptional(v.nullable(schema));
}
const optionalTensor = optional<EncodedTensor>(tensor);
const expectedTensor = v.exactOptional(tensor);
const integer = (least: number): v.GenericSchema<number> =>
  v.pipe(v.number(), v.safeInteger(), v.minValue(least));
const int32 = v.pipe(v.number(), v.integer(), v.minValue(-(2 ** 31)), v.maxValue(2 ** 31 - 1));
const perBatch = optional(v.pipe(v.array(int32), v.description('One for each element of the batch.')));
const windowSide = optional(integer(0));

const options = v.pipe(
  v.strictObject({
    layout: optional(v.picklist(['bhld', 'blhd'])),
    scale: optional(v.number()),
    softcap: optional(v.number()),
    causal: optional(v.boolean()),
    window: optional(v.strictObject({ left: windowSide, right: windowSide })),
    alignment: optional(
      v.pipe(
        v.picklist(['topLeft', 'bottomRight', 'offset']),
        v.description('offset: given by inputs.offsets.'),
      ),
    ),
    selection: optional(v.picklist(['softmax', 'argmax', 'sample'])),
    ring: optional(v.boolean()),
    valueFromKey: optional(v.strictObject({ start: integer(0), length: integer(1) })),
    dropout: optional(
      v.strictObject({
        probability: v.pipe(v.number(), v.minValue(0), v.ltValue(1)),
        seed: integer(0),
      }),
    ),
    origin: optional(
      v.strictObject({
        batch: v.exactOptional(integer(0)),
        head: v.exactOptional(integer(0)),
        query: v.exactOptional(integer(0)),
        key: v.exactOptional(integer(0)),
      }),
    ),
  }),
  v.description('What a request says besides its tensors; defaults as there, also for null.'),
);

const perCall = {
  keyScales: optionalTensor,
  valueScales: optionalTensor,
  blockTable: optionalTensor,
  mask: optionalTensor,
  bias: optionalTensor,
  offsets: perBatch,
  keyLengths: perBatch,
  keyStarts: perBatch,
  queryLengths: perBatch,
  querySegments: optionalTensor,
  keySegments: optionalTensor,
  alibiSlopes: optionalTensor,
  sinks: optionalTensor,
  seed: optional(integer(0)),
};

const outputs = {
  output: expectedTensor,
  weights: expectedTensor,
  logSumExp: expectedTensor,
  rowMax: expectedTensor,
  rowSum: expectedTensor,
  choice: expectedTensor,
};

const gradients = {
  dQuery: expectedTensor,
  dKey: expectedTensor,
  dValue: expectedTensor,
  dBias: expectedTensor,
  dSinks: expectedTensor,
};

const step = v.pipe(
  v.strictObject({
    write: v.exactOptional(
      v.pipe(
        v.strictObject({ start: integer(0), key: tensor, value: tensor }),
        v.description('Rows that go into the cache before the call, from row start on.'),
      ),
    ),
    inputs: v.exactOptional(v.strictObject({ query: optionalTensor, ...perCall })),
    expected: v.pipe(v.strictObject(outputs), v.minEntries(1)),
  }),
  v.description("One call. Its inputs replace the case's inputs of the same name, or join them."),
);

const common = {
  id: v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/),
    v.description('Unique in its file.'),
  ),
  clause: v.exactOptional(
    v.pipe(
      v.string(),
      v.regex(/^[A-Za-z][A-Za-z0-9.-]{0,39}$/),
      v.description('A clause of SPEC.md. Default: one that the problem uses.'),
    ),
  ),
  purpose: v.exactOptional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(300),
      v.description('What the case is there to find, in a sentence: shown when it fails.'),
    ),
  ),
  tolerance: v.exactOptional(
    v.pipe(
      v.number(),
      v.minValue(0),
      v.description(
        'The error of the expected values themselves, added to the bound of the clause accuracy. Default 0.',
      ),
    ),
  ),
  options: v.exactOptional(options),
};

/** The form of a {@link SingleCase}. */
export const singleCaseSchema: v.GenericSchema<unknown, SingleCase> = v.pipe(
  v.strictObject({
    ...common,
    inputs: v.strictObject({
      query: tensor,
      key: tensor,
      value: v.exactOptional(tensor),
      ...perCall,
      dOutput: optionalTensor,
    }),
    expected: v.pipe(
      v.strictObject({ ...outputs, ...gradients }),
      v.minEntries(1),
      v.description(
        'Also what is asked for: a call returns these outputs. Gradients need inputs.dOutput, rowMax and rowSum each other.',
      ),
    ),
  }),
  v.description('One call, compared with the float64 reference and with the expected values.'),
);

/** The form of a {@link SequenceCase}. */
export const sequenceCaseSchema: v.GenericSchema<unknown, SequenceCase> = v.pipe(
  v.strictObject({
    ...common,
    inputs: v.strictObject({ query: optionalTensor, key: tensor, value: tensor, ...perCall }),
    steps: v.pipe(v.array(step), v.minLength(1)),
  }),
  v.description(
    'Calls of one kernel on a key/value cache: inputs.key and inputs.value are what it holds at first, at full capacity.',
  ),
);

const file = {
  format: v.literal('heed-cases/1'),
  $schema: v.exactOptional(v.string()),
  source: v.pipe(
    v.string(),
    v.maxLength(200),
    v.description('Who computed the expected values, with what: torch 2.15.0, float64 on a CPU.'),
  ),
};

/** The form of a {@link CaseFile} whose cases are yet to be checked. */
export const fileOfAnythingSchema: v.GenericSchema<unknown, Omit<CaseFile, 'cases'> & { cases: unknown[] }> =
  v.strictObject({ ...file, cases: v.pipe(v.array(v.unknown()), v.minLength(1)) });

/** The form of a {@link CaseFile}. `case.schema.json` is made of it. */
export const caseFileSchema: v.GenericSchema<unknown, CaseFile> = v.strictObject({
  ...file,
  cases: v.pipe(v.array(v.union([singleCaseSchema, sequenceCaseSchema])), v.minLength(1)),
});

/** The parts of it that have names in `case.schema.json`. */
export const caseFileDefinitions: Readonly<Record<string, v.GenericSchema>> = {
  tensor,
  options,
  step,
  single: singleCaseSchema,
  sequence: sequenceCaseSchema,
};
