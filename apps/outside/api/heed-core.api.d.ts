// exports
//   Activation
//   AlignmentKind
//   Appended
//   ArrayWithShape
//   AttendedBy
//   AttentionBackend
//   AttentionGradients
//   AttentionInputs
//   AttentionKernel
//   AttentionPart
//   AttentionProblem
//   AttentionRequest
//   AttentionResults
//   Availability
//   BackendProvider
//   BlockType
//   BlockWeight
//   BroadcastShape
//   CACHE_FEATURES
//   CONTRACT_VERSION
//   CacheType
//   Capabilities
//   ComputeDType
//   DType
//   DTypeOf
//   ElementDropoutForward
//   ElementDropoutGradientNames
//   ElementDropoutInputs
//   ElementDropoutKernel
//   ElementDropoutOperation
//   ElementDropoutProblem
//   ElementDropoutSeed
//   EmbeddingForward
//   EmbeddingGradientNames
//   EmbeddingIndices
//   EmbeddingInputs
//   EmbeddingKernel
//   EmbeddingOperation
//   EmbeddingProblem
//   FEATURES
//   Feature
//   Float16ArrayLike
//   FloatDType
//   FloatDTypeOf
//   GUARANTEES
//   GradientInputs
//   GradientOf
//   GradientOptions
//   GradientPart
//   Guarantee
//   HalfDType
//   HeedError
//   HeedErrorCode
//   HeedErrorDetails
//   HeedErrorJSON
//   Layout
//   LinearForward
//   LinearGradients
//   LinearInputs
//   LinearKernel
//   LinearOperation
//   LinearParameters
//   LinearProblem
//   LinearResults
//   MergeGradientsOptions
//   MergedAttention
//   MergedGradients
//   NestedArray
//   NormForward
//   NormGradientNames
//   NormInputs
//   NormKernel
//   NormOperation
//   NormProblem
//   NumberArray
//   OPERATIONS
//   Operation
//   OperationKernel
//   OperationResults
//   Origin
//   OutputName
//   OutputsByName
//   PackedWeights
//   PageCopy
//   PagedCache
//   PagedCacheOptions
//   PagedCacheState
//   PagedSequence
//   PerBatch
//   PlainTensorLike
//   Plan
//   Quantized
//   QuantizedDType
//   RequestedResults
//   ResidentTensor
//   RotaryForward
//   RotaryGradientNames
//   RotaryInputs
//   RotaryKernel
//   RotaryOperation
//   RotaryProblem
//   RotaryTables
//   RunOptions
//   Selection
//   Skipped
//   SlotPosition
//   Statistics
//   StoredType
//   StoredWeight
//   Support
//   Tensor
//   TensorLike
//   Tensors
//   WeightType
//   attention
//   cast
//   checkContract
//   copyPages
//   dequantize
//   firstAvailable
//   isResident
//   mergeAttention
//   mergeGradients
//   quantize
//   resolveRequest
//   tensor
//   withOptions

export type Activation = 'gelu' | 'geluTanh' | 'silu' | 'relu' | 'sigmoid';

export type AlignmentKind = 'topLeft' | 'bottomRight' | 'offset';

export interface Appended {
    readonly slots: readonly number[];
    readonly copies: readonly PageCopy[];
}

export type ArrayDType<A> = A extends Float32Array ? 'float32' : A extends Float64Array ? 'float64' : A extends Int32Array ? 'int32' : A extends Float16ArrayLike ? 'float16' : 'bool';

export interface ArrayWithShape<A extends NumberArray = NumberArray> {
    readonly data: A;
    readonly shape: readonly number[];
}

export type AttendedBy<D extends FloatDType, R extends Flag, O extends Flag, W extends Flag, L extends Flag, S extends Flag, C extends Flag, G extends Flag> = Member<O extends undefined ? true : G extends true ? true : O, 'output', Placed<R, D>> & Member<W, 'weights', Placed<R, D>> & Member<L, 'logSumExp', Placed<R, ScoreDType<D>>> & Member<G extends true ? true : S, 'statistics', Statistics<Placed<R, ScoreDType<D>>>> & Member<C, 'choice', Placed<R, 'int32'>> & Member<G, 'gradient', GradientOf<D>>;

export interface AttentionBackend extends AsyncDisposable {
    readonly contract: typeof CONTRACT_VERSION;
    readonly name: string;
    readonly device: string;
    readonly capabilities: Capabilities;
    supports(problem: AttentionProblem): Support;
    compile(problem: AttentionProblem): Promise<AttentionKernel>;
    upload<T extends PlainTensorLike>(tensor: T): Promise<ResidentTensor<DTypeOf<T>>>;
    allocate<D extends DType>(dtype: D, shape: readonly number[]): Promise<ResidentTensor<D>>;
    readonly linear?: LinearOperation;
    readonly norm?: NormOperation;
    readonly rotary?: RotaryOperation;
    readonly embedding?: EmbeddingOperation;
    readonly elementDropout?: ElementDropoutOperation;
    wrap?(native: unknown): ResidentTensor;
    unwrap?(resident: ResidentTensor): unknown;
    dispose(): Promise<void>;
}

export interface AttentionGradients<T = Tensor> {
    readonly dQuery: T;
    readonly dKey: T;
    readonly dValue: T;
    readonly dBias?: T;
    readonly dSinks?: T;
}

export interface AttentionInputs<T = Tensor | ResidentTensor> {
    readonly query: T;
    readonly key: T;
    readonly value: T;
    readonly keyScales?: T;
    readonly valueScales?: T;
    readonly blockTable?: Tensor<'int32'>;
    readonly mask?: T;
    readonly bias?: T;
    readonly offsets?: Tensor<'int32'>;
    readonly keyLengths?: Tensor<'int32'>;
    readonly keyStarts?: Tensor<'int32'>;
    readonly queryLengths?: Tensor<'int32'>;
    readonly querySegments?: T;
    readonly keySegments?: T;
    readonly alibiSlopes?: T;
    readonly sinks?: T;
    readonly seed?: number;
    readonly origin?: Origin;
}

export interface AttentionKernel extends AsyncDisposable {
    readonly problem: AttentionProblem;
    readonly plan: Plan;
    run(inputs: AttentionInputs, options?: RunOptions & {
        readonly resident?: false;
    }): Promise<AttentionResults<Tensor>>;
    run(inputs: AttentionInputs, options: RunOptions & {
        readonly resident: true;
    }): Promise<AttentionResults<ResidentTensor>>;
    gradient(inputs: AttentionInputs, forward: GradientInputs, options?: RunOptions & {
        readonly resident?: false;
    }): Promise<AttentionGradients<Tensor>>;
    gradient(inputs: AttentionInputs, forward: GradientInputs, options: RunOptions & {
        readonly resident: true;
    }): Promise<AttentionGradients<ResidentTensor>>;
    dispose(): Promise<void>;
}

export interface AttentionPart<T = Tensor> {
    readonly output: T;
    readonly statistics: Statistics<T>;
    readonly weights?: T;
    readonly choice?: T;
    readonly start?: number;
}

export interface AttentionProblem {
    readonly batch: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly kvBatch: number;
    readonly queryLength: number;
    readonly keyLength: number;
    readonly headDim: number;
    readonly valueDim: number;
    readonly dtype: FloatDType;
    readonly cacheType: CacheType;
    readonly groups: {
        readonly key: number;
        readonly value: number;
    } | null;
    readonly pages: {
        readonly count: number;
        readonly size: number;
    } | null;
    readonly ring: boolean;
    readonly valueFromKey: {
        readonly start: number;
        readonly length: number;
    } | null;
    readonly layout: Layout;
    readonly scale: number;
    readonly softcap: number | null;
    readonly alignment: AlignmentKind | null;
    readonly causal: boolean;
    readonly window: {
        readonly left: number | null;
        readonly right: number | null;
    } | null;
    readonly mask: {
        readonly kind: 'boolean' | 'float';
        readonly shape: BroadcastShape;
    } | null;
    readonly bias: {
        readonly shape: BroadcastShape;
    } | null;
    readonly lengths: {
        readonly key: boolean;
        readonly keyStart: boolean;
        readonly query: boolean;
    };
    readonly segments: boolean;
    readonly alibi: boolean;
    readonly sinks: boolean;
    readonly selection: Selection;
    readonly origin: boolean;
    readonly dropout: number | null;
    readonly outputs: readonly OutputName[];
    readonly gradient: boolean;
}

export interface AttentionRequest<T = TensorLike> extends RequestedResults {
    readonly query: T;
    readonly key: T;
    readonly value?: T | undefined;
    readonly layout?: Layout | undefined;
    readonly scale?: number | undefined;
    readonly softcap?: number | null | undefined;
    readonly causal?: boolean | undefined;
    readonly window?: {
        readonly left?: number | null | undefined;
        readonly right?: number | null | undefined;
    } | null | undefined;
    readonly alignment?: 'topLeft' | 'bottomRight' | {
        readonly offset: number | PerBatch;
    } | undefined;
    readonly keyScales?: T | undefined;
    readonly valueScales?: T | undefined;
    readonly blockTable?: T | undefined;
    readonly ring?: boolean | undefined;
    readonly valueFromKey?: {
        readonly start: number;
        readonly length: number;
    } | null | undefined;
    readonly mask?: T | undefined;
    readonly bias?: T | undefined;
    readonly keyLengths?: PerBatch | undefined;
    readonly keyStarts?: PerBatch | undefined;
    readonly queryLengths?: PerBatch | undefined;
    readonly querySegments?: T | undefined;
    readonly keySegments?: T | undefined;
    readonly alibiSlopes?: T | undefined;
    readonly sinks?: T | undefined;
    readonly selection?: Selection | undefined;
    readonly seed?: number | undefined;
    readonly origin?: Partial<Origin> | undefined;
    readonly dropout?: {
        readonly probability: number;
        readonly seed: number;
    } | null | undefined;
    readonly gradient?: boolean | undefined;
}

export type AttentionResults<T = Tensor> = Partial<OutputsByName<T>>;

export type Availability = {
    readonly available: true;
} | {
    readonly available: false;
    readonly reason: string;
    readonly remedy: string;
};

export interface BackendProvider<Options = unknown> {
    readonly contract: typeof CONTRACT_VERSION;
    readonly name: string;
    probe(): Promise<Availability>;
    create(options?: Options): Promise<AttentionBackend>;
}

export type BlockType = 'q8_0' | 'q4_0' | 'q4_1';

export interface BlockWeight<D extends BlockType = BlockType> {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: Uint8Array;
}

export type BroadcastShape = readonly [number, number, number, number];

export declare const CACHE_FEATURES: readonly Feature[];

export declare const CONTRACT_VERSION = 1;

export type CacheType = FloatDType | QuantizedDType;

export interface Capabilities {
    readonly dtypes: readonly FloatDType[];
    readonly features: readonly Feature[];
    readonly guarantees: readonly Guarantee[];
    readonly partGradients?: boolean;
    readonly operations?: readonly Operation[];
    readonly weightTypes?: readonly StoredType[];
}

export type ComputeDType = 'float32' | 'float64';

export type DType = FloatDType | QuantizedDType | 'int32' | 'bool';

export interface DTypeArrays {
    float16: Uint16Array;
    bfloat16: Uint16Array;
    float32: Float32Array;
    float64: Float64Array;
    int32: Int32Array;
    int8: Int8Array;
    int4x2: Uint8Array;
    bool: Uint8Array;
}

export type DTypeOf<T extends PlainTensorLike> = T extends {
    readonly dtype: infer D extends DType;
} ? D : T extends {
    readonly data: infer A extends NumberArray;
} ? ArrayDType<A> : 'float32' | 'bool';

export interface ElementDropoutForward<T = TensorLike> {
    readonly dOutput: T;
}

export interface ElementDropoutGradientNames {
    readonly dInput: true;
}

export interface ElementDropoutInputs<T = TensorLike> extends ElementDropoutSeed {
    readonly input: T;
    readonly residual?: T | undefined;
}

export type ElementDropoutKernel = OperationKernel<ElementDropoutProblem, ElementDropoutInputs, ElementDropoutForward, ElementDropoutGradientNames, ElementDropoutSeed>;

export interface ElementDropoutOperation {
    compile(problem: ElementDropoutProblem): Promise<ElementDropoutKernel>;
}

export interface ElementDropoutProblem {
    readonly probability: number;
    readonly dtype?: ComputeDType;
    readonly gradient?: boolean;
}

export interface ElementDropoutSeed {
    readonly seed: number;
    readonly stream?: number | undefined;
}

export interface EmbeddingForward<T = TensorLike> {
    readonly dOutput: T;
}

export interface EmbeddingGradientNames {
    readonly dWeight: true;
}

export interface EmbeddingIndices<I = PlainTensorLike> {
    readonly indices: I;
}

export interface EmbeddingInputs<T = TensorLike, I = PlainTensorLike> extends EmbeddingIndices<I> {
    readonly weight: T;
}

export type EmbeddingKernel = OperationKernel<EmbeddingProblem, EmbeddingInputs, EmbeddingForward, EmbeddingGradientNames, EmbeddingIndices>;

export interface EmbeddingOperation {
    compile(problem: EmbeddingProblem): Promise<EmbeddingKernel>;
}

export interface EmbeddingProblem {
    readonly count: number;
    readonly width: number;
    readonly dtype?: ComputeDType;
    readonly gradient?: boolean;
}

export declare const FEATURES: readonly ['layout.blhd', 'valueDim', 'gqa', 'cache.float16', 'cache.bfloat16', 'cache.int8', 'cache.int4x2', 'cache.shared', 'pages', 'ring', 'valueFromKey', 'mask.boolean', 'mask.float', 'bias', 'alignment.bottomRight', 'alignment.offset', 'causal', 'window', 'lengths.key', 'lengths.keyStart', 'lengths.query', 'segments', 'alibi', 'softcap', 'sinks', 'weights', 'logSumExp', 'statistics', 'selection.argmax', 'selection.sample', 'origin', 'dropout', 'gradient'];

export type Feature = (typeof FEATURES)[number];

type Flag = boolean | undefined;

export interface Float16ArrayLike {
    readonly [Symbol.toStringTag]: 'Float16Array';
    readonly buffer: ArrayBufferLike;
    readonly byteOffset: number;
    readonly length: number;
}

export type FloatDType = ComputeDType | HalfDType;

export type FloatDTypeOf<Q> = Q extends {
    readonly dtype: infer D;
} ? D extends FloatDType ? D : FloatDType : Q extends {
    readonly data: Float64Array;
} ? 'float64' : Q extends {
    readonly data: Float32Array;
} | readonly unknown[] ? 'float32' : Q extends {
    readonly data: Float16ArrayLike;
} ? 'float16' : FloatDType;

export declare const GUARANTEES: readonly ['padding', 'nonfinite', 'repeat', 'batch'];

export interface GradientInputs<T = Tensor | ResidentTensor> {
    readonly output: T;
    readonly statistics: Statistics<T>;
    readonly dOutput: T;
    readonly isPart?: boolean;
}

export interface GradientOf<D extends FloatDType = FloatDType> {
    (dOutput: TensorLike, options?: GradientOptions & {
        readonly resident?: false | undefined;
    }): Promise<AttentionGradients<Tensor<D>>>;
    (dOutput: TensorLike, options: GradientOptions & {
        readonly resident: true;
    }): Promise<AttentionGradients<ResidentTensor<D>>>;
}

export interface GradientOptions extends RunOptions {
    readonly whole?: Pick<AttentionPart<PlainTensorLike>, 'output' | 'statistics'> | undefined;
}

export interface GradientPart<T = Tensor> {
    readonly dQuery: T;
    readonly dKey?: T;
    readonly dValue?: T;
    readonly dBias?: T;
    readonly dSinks?: T;
    readonly start?: number;
}

export type Guarantee = (typeof GUARANTEES)[number];

export type HalfDType = 'float16' | 'bfloat16';

export declare class HeedError extends Error {
    readonly code: HeedErrorCode;
    readonly reason: string;
    readonly clause: string | undefined;
    readonly remedy: string | undefined;
    constructor(code: HeedErrorCode, message: string, details?: HeedErrorDetails);
    static isInstance(value: unknown): value is HeedError;
    toJSON(): HeedErrorJSON;
    static fromJSON(json: HeedErrorJSON): HeedError;
}

export type HeedErrorCode =
'SHAPE'
 | 'DTYPE'
 | 'ARGUMENT'
 | 'UNKNOWN_OPTION'
 | 'MISSING_INPUT'
 | 'UNEXPECTED_INPUT'
 | 'ALIGNMENT_REQUIRED'
 | 'UNSUPPORTED'
 | 'UNAVAILABLE'
 | 'CONTRACT_VERSION'
 | 'DISPOSED'
 | 'FOREIGN_TENSOR'
 | 'NOT_DIFFERENTIABLE'
 | 'OUT_OF_MEMORY'
 | 'ENGINE';

export interface HeedErrorDetails {
    readonly clause?: string;
    readonly remedy?: string;
    readonly cause?: unknown;
}

export interface HeedErrorJSON {
    readonly heedError: 1;
    readonly code: HeedErrorCode;
    readonly message: string;
    readonly clause?: string;
    readonly remedy?: string;
    readonly cause?: string;
}

export type Layout = 'bhld' | 'blhd';

export interface LinearForward {
    readonly dOutput: TensorLike;
    readonly argument?: TensorLike | undefined;
    readonly dResidual?: TensorLike | undefined;
}

export interface LinearGradients<T> {
    readonly dInput: T;
    readonly dWeight: T;
    readonly dBias?: T;
}

export interface LinearInputs {
    readonly input: TensorLike;
    readonly weights: PackedWeights;
    readonly residual?: TensorLike | undefined;
}

export interface LinearKernel extends AsyncDisposable {
    readonly problem: Required<LinearProblem>;
    pack(parameters: LinearParameters<TensorLike, TensorLike | StoredWeight>): Promise<PackedWeights>;
    run(inputs: LinearInputs, options?: RunOptions & {
        readonly resident?: false;
    }): Promise<LinearResults<Tensor>>;
    run(inputs: LinearInputs, options: RunOptions & {
        readonly resident: true;
    }): Promise<LinearResults<ResidentTensor>>;
    gradient(inputs: LinearInputs, forward: LinearForward, options?: RunOptions & {
        readonly resident?: false;
    }): Promise<LinearGradients<Tensor>>;
    gradient(inputs: LinearInputs, forward: LinearForward, options: RunOptions & {
        readonly resident: true;
    }): Promise<LinearGradients<ResidentTensor>>;
    dispose(): Promise<void>;
}

export interface LinearOperation {
    readonly scalar?: boolean;
    compile(problem: LinearProblem): Promise<LinearKernel>;
}

export interface LinearParameters<T = TensorLike, W = T> {
    readonly weight: W;
    readonly bias?: T | undefined;
}

export interface LinearProblem {
    readonly inputDim: number;
    readonly outputDim: number;
    readonly dtype?: ComputeDType;
    readonly weightType?: WeightType;
    readonly bias?: boolean;
    readonly activation?: Activation | null;
    readonly gate?: boolean;
    readonly gradient?: boolean;
    readonly argument?: boolean;
}

export interface LinearResults<T> {
    readonly output: T;
    readonly argument?: T;
}

type Member<F extends Flag, Name extends string, T> = [F] extends [true] ? {
    readonly [K in Name]: T;
} : [F] extends [false | undefined] ? unknown : {
    readonly [K in Name]?: T;
};

export interface MergeGradientsOptions {
    readonly layout?: Layout | undefined;
    readonly biasShape?: readonly number[] | undefined;
}

export type MergedAttention<P> = Pick<AttentionPart, 'output' | 'statistics'> & {
    readonly [Name in keyof P as Name extends 'weights' | 'choice' ? Name : never]: Tensor;
};

export type MergedGradients<P> = {
    readonly [Name in keyof P as Name extends keyof AttentionGradients ? Name : never]: Tensor;
};

export type NestedArray = readonly (number | boolean | NestedArray)[];

export interface NormForward<T = TensorLike> {
    readonly dOutput: T;
    readonly dResidual?: T | undefined;
}

export interface NormGradientNames {
    readonly dInput: true;
    readonly dWeight: true;
    readonly dBias?: true;
}

export interface NormInputs<T = TensorLike> {
    readonly input: T;
    readonly weight: T;
    readonly bias?: T | undefined;
}

export type NormKernel = OperationKernel<NormProblem, NormInputs, NormForward, NormGradientNames>;

export interface NormOperation {
    compile(problem: NormProblem): Promise<NormKernel>;
}

export interface NormProblem {
    readonly kind: 'layer' | 'rms';
    readonly width: number;
    readonly dtype?: ComputeDType;
    readonly epsilon?: number;
    readonly bias?: boolean;
    readonly gradient?: boolean;
}

export type NumberArray = Exclude<DTypeArrays[DType], Uint16Array | Int8Array> | Float16ArrayLike;

export declare const OPERATIONS: readonly ['linear', 'linear.residual', 'linear.gate', 'linear.argument', 'norm', 'rotary', 'embedding', 'elementDropout'];

export type Operation = (typeof OPERATIONS)[number];

export interface OperationKernel<Problem, Inputs, Forward, Gradients, Saved = Inputs> extends AsyncDisposable {
    readonly problem: Required<Problem>;
    run(inputs: Inputs, options?: RunOptions & {
        readonly resident?: false;
    }): Promise<OperationResults<Tensor>>;
    run(inputs: Inputs, options: RunOptions & {
        readonly resident: true;
    }): Promise<OperationResults<ResidentTensor>>;
    gradient(inputs: Saved, forward: Forward, options?: RunOptions & {
        readonly resident?: false;
    }): Promise<Tensors<Gradients, Tensor>>;
    gradient(inputs: Saved, forward: Forward, options: RunOptions & {
        readonly resident: true;
    }): Promise<Tensors<Gradients, ResidentTensor>>;
    dispose(): Promise<void>;
}

export interface OperationResults<T> {
    readonly output: T;
}

export interface Origin {
    readonly batch: number;
    readonly head: number;
    readonly query: number;
    readonly key: number;
}

export type OutputName = 'output' | 'weights' | 'logSumExp' | 'statistics' | 'choice';

export interface OutputsByName<T = Tensor> {
    readonly output: T;
    readonly weights: T;
    readonly logSumExp: T;
    readonly statistics: Statistics<T>;
    readonly choice: T;
}

export interface PackedWeights {
    readonly packed: true;
    dispose(): void;
}

export interface PageCopy {
    readonly from: number;
    readonly to: number;
}

export declare class PagedCache {
    #private;
    readonly pages: number;
    readonly pageSize: number;
    constructor(options: PagedCacheOptions);
    static from(state: PagedCacheState): PagedCache;
    toJSON(): PagedCacheState;
    get free(): number;
    open(): number;
    fork(id: number): number;
    close(id: number): void;
    append(id: number, count: number): Appended;
    truncate(id: number, length: number): void;
    defragment(): PageCopy[];
    blockTable(ids: readonly number[], columns?: number): Tensor<'int32'>;
    keyLengths(ids: readonly number[]): number[];
}

export interface PagedCacheOptions {
    readonly pages: number;
    readonly pageSize: number;
}

export interface PagedCacheState extends PagedCacheOptions {
    readonly holders: readonly number[];
    readonly sequences: readonly (readonly [id: number, sequence: PagedSequence])[];
    readonly next: number;
}

export interface PagedSequence {
    readonly pages: readonly number[];
    readonly length: number;
}

export type PerBatch = readonly number[] | Tensor<'int32'>;

type Placed<R extends Flag, D extends DType> = [R] extends [true] ? ResidentTensor<D> : [R] extends [false | undefined] ? Tensor<D> : Tensor<D> | ResidentTensor<D>;

export type PlainTensorLike = Tensor | ArrayWithShape | NestedArray;

export interface Plan {
    readonly algorithm: string;
    readonly tile: {
        readonly query: number;
        readonly key: number;
    };
    readonly scratchBytes: number;
    readonly lastRun?: Readonly<Record<string, number>> | null;
}

export interface Quantized<D extends QuantizedDType = QuantizedDType> {
    readonly numbers: Tensor<D>;
    readonly scales: Tensor<'float32'>;
}

export type QuantizedDType = 'int8' | 'int4x2';

export interface RequestedResults {
    readonly output?: boolean | undefined;
    readonly weights?: boolean | undefined;
    readonly logSumExp?: boolean | undefined;
    readonly statistics?: boolean | undefined;
    readonly choice?: boolean | undefined;
}

export interface ResidentTensor<D extends DType = DType> {
    readonly resident: true;
    readonly dtype: D;
    readonly shape: readonly number[];
    write(part: PlainTensorLike, at: {
        readonly axis: number;
        readonly start: number | PerBatch;
    } | SlotPosition): Promise<void>;
    read(slices?: {
        readonly axis: number;
        readonly start: number;
        readonly length: number;
    }): Promise<Tensor<D>>;
    gather(indices: PerBatch, options?: {
        readonly axis?: number | undefined;
    }): Promise<ResidentTensor<D>>;
    reorder(indices: PerBatch): Promise<void>;
    copy(): Promise<ResidentTensor<D>>;
    view(shape: readonly number[]): ResidentTensor<D>;
    hold(): ResidentTensor<D>;
    dispose(): void;
}

export interface RotaryForward<T = TensorLike> {
    readonly dOutput: T;
}

export interface RotaryGradientNames {
    readonly dInput: true;
}

export interface RotaryInputs<T = TensorLike> extends RotaryTables<T> {
    readonly input: T;
}

export type RotaryKernel = OperationKernel<RotaryProblem, RotaryInputs, RotaryForward, RotaryGradientNames, RotaryTables>;

export interface RotaryOperation {
    compile(problem: RotaryProblem): Promise<RotaryKernel>;
}

export interface RotaryProblem {
    readonly headDim: number;
    readonly rotaryDim?: number;
    readonly interleaved?: boolean;
    readonly dtype?: ComputeDType;
    readonly gradient?: boolean;
}

export interface RotaryTables<T = TensorLike> {
    readonly cosines: T;
    readonly sines: T;
}

export interface RunOptions {
    readonly signal?: AbortSignal | undefined;
}

type ScoreDType<D extends FloatDType> = D extends HalfDType ? 'float32' : D;

export type Selection = 'softmax' | 'argmax' | 'sample';

export interface Skipped {
    readonly name: string;
    readonly reason: string;
    readonly remedy?: string;
}

export interface SlotPosition {
    readonly slots: PlainTensorLike;
    readonly layout?: 'bhld' | 'blhd' | undefined;
}

export interface Statistics<T = Tensor> {
    readonly rowMax: T;
    readonly rowSum: T;
}

export type StoredType = HalfDType | BlockType;

export type StoredWeight = Tensor<HalfDType> | BlockWeight;

export type Support = {
    readonly supported: true;
} | {
    readonly supported: false;
    readonly clause: string;
    readonly reason: string;
};

export interface Tensor<D extends DType = DType> {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: DTypeArrays[D];
}

export type TensorLike = PlainTensorLike | ResidentTensor;

export type Tensors<Names, T> = {
    readonly [Name in keyof Names]: T;
};

export type WeightType = ComputeDType | StoredType;

export declare function attention<Q extends TensorLike, O extends Flag = true, W extends Flag = false, L extends Flag = false, S extends Flag = false, C extends Flag = false, G extends Flag = false, R extends Flag = false>(backend: AttentionBackend, request: AttentionRequest & {
    readonly query: Q;
    readonly output?: O;
    readonly weights?: W;
    readonly logSumExp?: L;
    readonly statistics?: S;
    readonly choice?: C;
    readonly gradient?: G;
}, options?: RunOptions & {
    readonly resident?: R;
}): Promise<AttendedBy<FloatDTypeOf<Q>, R, O, W, L, S, C, G>>;

export declare function cast<D extends FloatDType>(tensor: Tensor, dtype: D): Tensor<D>;

export declare function checkContract(speaker: {
    readonly contract: number;
    readonly name: string;
}): void;

export declare function copyPages(pool: ResidentTensor, copies: readonly PageCopy[]): Promise<void>;

export declare function dequantize(numbers: Tensor<QuantizedDType>, scales: Tensor<'float32'>): Tensor<'float32'>;

export declare function firstAvailable(providers: readonly BackendProvider[], problem?: AttentionProblem): Promise<{
    backend: AttentionBackend;
    skipped: readonly Skipped[];
}>;

export declare function isResident(value: unknown): value is ResidentTensor;

export declare function mergeAttention<P extends AttentionPart<PlainTensorLike>>(parts: readonly P[], options?: {
    readonly layout?: Layout | undefined;
}): MergedAttention<P>;

export declare function mergeGradients<P extends GradientPart<PlainTensorLike>>(parts: readonly P[], options?: MergeGradientsOptions): MergedGradients<P>;

export declare function quantize<D extends QuantizedDType>(tensor: Tensor, type: D, options?: {
    readonly group?: number | undefined;
}): Quantized<D>;

export declare function resolveRequest(request: AttentionRequest): {
    problem: AttentionProblem;
    inputs: AttentionInputs;
};

export declare function tensor<A extends NumberArray>(given: A, shape: readonly number[]): Tensor<ArrayDType<A>>;

export declare function withOptions<Options extends object>(provider: BackendProvider<Options>, options: Options): BackendProvider<Options>;
