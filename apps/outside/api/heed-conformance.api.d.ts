// exports
//   AgreementCase
//   BatchCapture
//   BehaviorCase
//   Capture
//   CaptureName
//   CapturedBlock
//   CapturedEmbeddings
//   CapturedLayer
//   CapturedLinear
//   CaseReport
//   CaseRequest
//   CaseStatus
//   ClauseReport
//   ConformanceCase
//   ConformanceOptions
//   Disagreement
//   ExpectedValues
//   Failure
//   FuzzInput
//   FuzzOptions
//   FuzzReport
//   NotCovered
//   PRECISIONS
//   ParsedCases
//   Precision
//   Progress
//   Report
//   SequenceCase
//   Subject
//   Tally
//   TestFunction
//   TestRunner
//   VerifyOptions
//   Worst
//   allCases
//   bundledCases
//   caseFile
//   conformance
//   fuzz
//   loadBatchCapture
//   loadCapture
//   loadCapturedBlock
//   loadCapturedEmbeddings
//   parseCases
//   readCases
//   selectCases
//   verify

export interface AgreementCase extends CaseBase {
    readonly kind: 'agreement';
    request(): CaseRequest;
    dOutput?(): Tensor;
    readonly expected?: ExpectedValues;
}

export interface BatchCapture {
    readonly texts: readonly string[];
    readonly tokens: readonly (readonly string[])[];
    readonly layers: readonly CapturedLayer[];
}

export interface BehaviorCase extends CaseBase {
    readonly kind: 'behavior';
    readonly features: readonly Feature[];
    readonly operations?: readonly Operation[];
    readonly weightType?: StoredType;
    readonly dtype?: FloatDType;
    readonly guarantee?: Guarantee;
    run(subject: Subject): Promise<void>;
}

export interface CacheSketch {
    readonly cacheType?: CacheType;
    readonly wholeRows?: boolean;
    readonly shared?: boolean;
    readonly pages?: {
        readonly size: number;
        readonly holes?: boolean;
        readonly common?: boolean;
    };
}

export interface Capture {
    readonly text: string;
    readonly tokens: readonly string[];
    readonly layers: readonly CapturedLayer[];
}

export type CaptureName = 'bank-river' | 'bank-money' | 'passage';

export interface CapturedBlock {
    readonly text: string;
    readonly tokens: readonly string[];
    readonly layer: number;
    readonly heads: number;
    readonly headDim: number;
    readonly scale: number;
    readonly input: Tensor<'float32'>;
    readonly query: CapturedLinear;
    readonly key: CapturedLinear;
    readonly value: CapturedLinear;
    readonly output: CapturedLinear;
    readonly expected: Tensor<'float32'>;
}

export interface CapturedEmbeddings {
    readonly texts: readonly string[];
    readonly inputIds: readonly (readonly number[])[];
    readonly embedding: Tensor<'float32'>;
    readonly cosine: readonly (readonly number[])[];
}

export interface CapturedLayer {
    readonly layer: number;
    readonly scale: number;
    readonly query: Tensor<'float32'>;
    readonly key: Tensor<'float32'>;
    readonly value: Tensor<'float32'>;
    readonly mask?: Tensor<'bool'>;
    readonly output: Tensor<'float32'>;
    readonly logSumExp: Tensor<'float32'>;
    readonly weights?: Tensor<'float32'>;
}

export interface CapturedLinear {
    readonly weight: Tensor<'float32'>;
    readonly bias: Tensor<'float32'>;
}

interface CaseBase {
    readonly id: string;
    readonly clause: string;
    readonly purpose?: string;
}

export interface CaseReport {
    readonly id: string;
    readonly status: CaseStatus | 'expectedFailure';
    readonly missing?: readonly string[];
    readonly reason?: string;
}

export type CaseRequest = AttentionRequest<Tensor> & {
    readonly value: Tensor;
};

export type CaseStatus = 'passed' | 'failed' | 'refused' | 'notGuaranteed' | 'notApplicable';

export interface ClauseReport extends Tally {
    readonly clause: string;
    readonly worst: Worst | null;
    readonly failures: readonly Failure[];
    readonly cases: readonly CaseReport[];
}

export type ConformanceCase = AgreementCase | BehaviorCase | SequenceCase;

export type ConformanceOptions = Pick<VerifyOptions, 'clauses' | 'ids' | 'cases' | 'expectedFailures'>;

export interface Disagreement {
    readonly message: string;
    readonly input: FuzzInput;
    readonly case: AgreementCase;
}

export interface ExpectedValues {
    readonly source: string;
    readonly tolerance: number;
    readonly values: Readonly<Record<string, Tensor>>;
}

export interface Failure {
    readonly id: string;
    readonly purpose: string | null;
    readonly message: string;
}

export interface FuzzInput {
    readonly sketch: Sketch;
    readonly seed: number;
}

export interface FuzzOptions {
    readonly seconds: number;
    readonly seed?: number | undefined;
    readonly onProgress?: ((problems: number) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
}

export interface FuzzReport {
    readonly name: string;
    readonly device: string;
    readonly seed: number;
    readonly problems: number;
    readonly seconds: number;
    readonly disagreement: Disagreement | null;
}

export interface NotCovered {
    readonly id: string;
    readonly what: string;
    readonly reason: string;
}

type Options = Pick<CaseRequest, 'layout' | 'scale' | 'softcap' | 'causal' | 'window' | 'alignment' | 'keyLengths' | 'keyStarts' | 'queryLengths' | 'selection' | 'seed' | 'origin' | 'dropout' | 'ring' | 'valueFromKey' | 'gradient'>;

export declare const PRECISIONS: Readonly<Record<FloatDType, Precision>>;

export interface ParsedCases {
    readonly cases: readonly ConformanceCase[];
    readonly notCovered: readonly NotCovered[];
}

export interface Precision {
    readonly naiveFactor: number;
    readonly floor: number;
}

export interface Progress {
    readonly done: number;
    readonly total: number;
    readonly id: string;
    readonly status: CaseStatus;
}

export interface Report extends Tally {
    readonly name: string;
    readonly device: string;
    readonly expectedFailures: number;
    readonly clauses: readonly ClauseReport[];
}

export interface SequenceCase extends CaseBase {
    readonly kind: 'sequence';
    readonly problem: AttentionProblem;
    run(subject: Subject): Promise<void>;
}

export interface Sketch extends Options, CacheSketch {
    readonly outputs?: readonly OutputName[];
    readonly batch?: number;
    readonly heads?: number;
    readonly kvHeads?: number;
    readonly queryLength?: number;
    readonly keyLength?: number;
    readonly headDim?: number;
    readonly valueDim?: number;
    readonly dtype?: FloatDType;
    readonly mask?: {
        readonly kind: 'boolean' | 'float';
        readonly shape: readonly number[];
        readonly density?: number;
    };
    readonly bias?: {
        readonly shape: readonly number[];
        readonly excluded?: number;
    };
    readonly segments?: 'packed' | 'scattered';
    readonly alibi?: boolean;
    readonly sinks?: boolean;
    readonly spread?: number;
}

export interface Subject {
    readonly provider: BackendProvider;
    readonly backend: AttentionBackend;
}

export interface Tally {
    readonly passed: number;
    readonly failed: number;
    readonly refused: number;
    readonly notGuaranteed: number;
}

export interface TestFunction {
    (name: string, run: () => Promise<void>): unknown;
    skip?(name: string, run: () => Promise<void>): unknown;
}

export interface TestRunner {
    describe(name: string, define: () => void): unknown;
    readonly test: TestFunction;
}

export interface VerifyOptions {
    readonly clauses?: readonly string[] | undefined;
    readonly ids?: readonly string[] | undefined;
    readonly cases?: readonly ConformanceCase[] | undefined;
    readonly expectedFailures?: Readonly<Record<string, string>> | undefined;
    readonly onProgress?: ((progress: Progress) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
}

export interface Worst {
    readonly case: string;
    readonly tensor: string;
    readonly error: number | null;
    readonly bound: number;
}

export declare function allCases(): Promise<readonly ConformanceCase[]>;

export declare function bundledCases(): Promise<ParsedCases>;

export declare function caseFile(source: string, cases: readonly AgreementCase[]): string;

export declare function conformance(provider: BackendProvider, { describe, test }: TestRunner, options?: ConformanceOptions): Promise<void>;

export declare function fuzz(provider: BackendProvider, options: FuzzOptions): Promise<FuzzReport>;

export declare function loadBatchCapture(): Promise<BatchCapture>;

export declare function loadCapture(name: CaptureName): Promise<Capture>;

export declare function loadCapturedBlock(): Promise<CapturedBlock>;

export declare function loadCapturedEmbeddings(): Promise<CapturedEmbeddings>;

export declare function parseCases(text: string, name: string): ParsedCases;

export declare function readCases(paths: string | readonly string[]): Promise<ParsedCases>;

export declare function selectCases(cases: readonly ConformanceCase[], { clauses, ids, expectedFailures }: Pick<VerifyOptions, 'clauses' | 'ids' | 'expectedFailures'>): readonly ConformanceCase[];

export declare function verify(provider: BackendProvider, options?: VerifyOptions): Promise<Report>;
