// exports
//   default: reference
//   referenceElementDropout
//   referenceEmbedding
//   referenceEmbeddingGradient
//   referenceForward
//   referenceGradient
//   referenceLinear
//   referenceLinearArgument
//   referenceLinearGradient
//   referenceNorm
//   referenceNormGradient
//   referenceRotary

export type Activation = 'gelu' | 'geluTanh' | 'silu' | 'relu' | 'sigmoid';

export type AlignmentKind = 'topLeft' | 'bottomRight' | 'offset';

export type ArrayDType<A> = A extends Float32Array ? 'float32' : A extends Float64Array ? 'float64' : A extends Int32Array ? 'int32' : A extends Float16ArrayLike ? 'float16' : 'bool';

export interface ArrayWithShape<A extends NumberArray = NumberArray> {
    readonly data: A;
    readonly shape: readonly number[];
}

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

export interface Float16ArrayLike {
    readonly [Symbol.toStringTag]: 'Float16Array';
    readonly buffer: ArrayBufferLike;
    readonly byteOffset: number;
    readonly length: number;
}

export type FloatDType = ComputeDType | HalfDType;

export declare const GUARANTEES: readonly ['padding', 'nonfinite', 'repeat', 'batch'];

export interface GradientInputs<T = Tensor | ResidentTensor> {
    readonly output: T;
    readonly statistics: Statistics<T>;
    readonly dOutput: T;
    readonly isPart?: boolean;
}

export type Guarantee = (typeof GUARANTEES)[number];

export type HalfDType = 'float16' | 'bfloat16';

type Indices = Tensor<'int32'>;

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

export type PerBatch = readonly number[] | Tensor<'int32'>;

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

type Problem = Required<NormProblem>;

type Projection = Pick<Required<LinearProblem>, 'activation'> & LinearProblem;

export type QuantizedDType = 'int8' | 'int4x2';

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

export type Selection = 'softmax' | 'argmax' | 'sample';

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

declare const reference: BackendProvider<void>;

export declare function referenceElementDropout({ probability }: Pick<ElementDropoutProblem, 'probability'>, { input, residual, seed, stream }: ElementDropoutInputs<Tensor>): Tensor;

export declare function referenceEmbedding({ width }: Required<EmbeddingProblem>, { indices, weight }: EmbeddingInputs<Tensor, Indices>): Tensor;

export declare function referenceEmbeddingGradient({ count, width }: Required<EmbeddingProblem>, { data }: Indices, dOutput: Tensor): Tensor;

export declare function referenceForward(problem: AttentionProblem, given: AttentionInputs<Tensor>): OutputsByName<Tensor>;

export declare function referenceGradient(problem: AttentionProblem, given: AttentionInputs<Tensor>, dOutput: Tensor, whole?: Tensor | null): AttentionGradients;

export declare function referenceLinear(problem: Projection, { weight, bias }: LinearParameters<Tensor, Tensor | BlockWeight>, input: Tensor): Tensor;

export declare function referenceLinearArgument(problem: Projection, parameters: LinearParameters<Tensor>, input: Tensor): Tensor;

export declare function referenceLinearGradient(problem: Required<LinearProblem>, { weight, bias }: LinearParameters<Tensor>, input: Tensor, dOutput: Tensor, argument?: Tensor): Promise<LinearGradients<Tensor>>;

export declare function referenceNorm(problem: Problem, { input, weight, bias }: NormInputs<Tensor>): Tensor;

export declare function referenceNormGradient(problem: Problem, { input, weight, bias }: NormInputs<Tensor>, { dOutput, dResidual }: NormForward<Tensor>): Tensors<NormGradientNames, Tensor>;

export declare function referenceRotary({ headDim, rotaryDim, interleaved }: Required<RotaryProblem>, { input, cosines, sines }: RotaryInputs<Tensor>, direction?: 1 | -1): Tensor;
