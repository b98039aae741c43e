// exports
//   ACTIVATIONS
//   Activation
//   BLOCK_BYTES
//   BLOCK_LENGTH
//   BackendDefinition
//   CURVES
//   Curve
//   DATA_ARRAYS
//   DeviceMemory
//   Dropout
//   ELEMENT_BYTES
//   EngineRunOptions
//   HostViews
//   KernelDefinition
//   LinearDefinition
//   LinearKernelDefinition
//   Multiply
//   NativeTensor
//   OperationKernelDefinition
//   OperationOffer
//   OptionKind
//   OptionTable
//   OutputAndArgument
//   RowStrides
//   Run
//   STORED_TYPES
//   SlicePosition
//   Slot
//   TURN_MILLISECONDS
//   VisibleKeys
//   abortSignal
//   addOnHost
//   array
//   assertBackend
//   assertBlob
//   broadcastStrides
//   bytesOfBlob
//   cacheStrides
//   callback
//   checkGradientInputs
//   checkInputs
//   checkOptions
//   checkProblem
//   computeDType
//   contiguousCache
//   decodeBlocks
//   defineBackend
//   dropoutOf
//   exchangeHeadsAndLength
//   featuresOf
//   flag
//   fromFloat16
//   gradientDType
//   gumbelNoise
//   halfTable
//   hostMemory
//   inTurns
//   integer
//   integerAt
//   isBlockType
//   isFloat
//   isHalf
//   isStoredType
//   linearGradientBy
//   listOf
//   listed
//   nextTurn
//   now
//   number
//   numbersOf
//   onAbort
//   oneOf
//   partGradientInputs
//   philox4x32
//   plainViews
//   required
//   rowStrides
//   rowSumFrom
//   shown
//   sizeOf
//   sumOfRows
//   supportOf
//   takenRuns
//   takenShape
//   text
//   textOf
//   toHalf
//   toTensor
//   visibleKeys
//   weightNumbers
//   widened
//   withKernel
//   withoutIgnoredRows
//   writeSlices
//   writtenRuns
//   zeros

export declare const ACTIVATIONS: readonly Activation[];

export type Activation = 'gelu' | 'geluTanh' | 'silu' | 'relu' | 'sigmoid';

export type AlignmentKind = 'topLeft' | 'bottomRight' | 'offset';

export type ArrayDType<A> = A extends Float32Array ? 'float32' : A extends Float64Array ? 'float64' : A extends Int32Array ? 'int32' : A extends Float16ArrayLike ? 'float16' : 'bool';

interface ArrayOf<A> {
    new (length: number): A;
    new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): A;
}

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

export declare const BLOCK_BYTES: Readonly<Record<BlockType, number>>;

export declare const BLOCK_LENGTH = 32;

export interface BackendDefinition<N extends NativeTensor = Tensor> {
    readonly name: string;
    readonly device: string;
    readonly capabilities: Omit<Capabilities, 'operations' | 'weightTypes'>;
    limits?(problem: AttentionProblem): Support;
    compile(problem: AttentionProblem): KernelDefinition<N> | Promise<KernelDefinition<N>>;
    readonly linear?: LinearDefinition<N>;
    readonly operations?: readonly OperationOffer<N>[];
    readonly memory?: DeviceMemory<N>;
    dispose?(): void | Promise<void>;
}

export type BlockType = 'q8_0' | 'q4_0' | 'q4_1';

export interface BlockWeight<D extends BlockType = BlockType> {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: Uint8Array;
}

export type BroadcastShape = readonly [number, number, number, number];

export declare const CONTRACT_VERSION = 1;

export declare const CURVES: Readonly<Record<Activation, Curve>>;

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

export interface Curve {
    at(x: number): number;
    slope(x: number): number;
}

export declare const DATA_ARRAYS: {
    readonly [D in DType]: ArrayOf<DTypeArrays[D]>;
};

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

export interface DeviceMemory<N extends NativeTensor> {
    readonly isHost?: boolean;
    upload(tensor: Tensor): N | Promise<N>;
    download(native: N): Tensor | Promise<Tensor>;
    write(native: N, part: Tensor, at: SlicePosition): N | Promise<N>;
    free(native: N): void;
    scatter?(native: N, rows: Tensor, places: readonly number[]): N | Promise<N>;
    allocate?(dtype: DType, shape: readonly number[]): N | Promise<N>;
    take?(native: N, axis: number, indices: readonly number[]): N | Promise<N>;
    reshape?(native: N, shape: readonly number[]): N;
    wrap?(value: unknown): N | null;
}

export interface Dropout {
    readonly factor: number;
    readonly threshold: number;
    readonly key: readonly [low: number, high: number];
    kept(b: number, h: number, i: number, j: number): number;
}

export declare const ELEMENT_BYTES: Readonly<Record<DType, number>>;

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

export interface EngineRunOptions extends RunOptions {
    readonly resident?: boolean;
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

export interface HostViews<N extends NativeTensor> {
    view(native: N): Tensor;
    make(dtype: ComputeDType, shape: readonly number[]): N;
    free(native: N): void;
}

export interface KernelDefinition<N extends NativeTensor = Tensor> {
    readonly plan: Plan;
    run(inputs: AttentionInputs<N>, options: EngineRunOptions): AttentionResults<N> | Promise<AttentionResults<N>>;
    gradient?(inputs: AttentionInputs<N>, forward: GradientInputs<N>, options: EngineRunOptions): AttentionGradients<N> | Promise<AttentionGradients<N>>;
    dispose?(): void | Promise<void>;
}

export type Layout = 'bhld' | 'blhd';

export interface LinearDefinition<N extends NativeTensor = Tensor> {
    readonly weightTypes?: readonly StoredType[];
    readonly scalar?: boolean;
    readonly gates?: boolean;
    readonly arguments?: boolean;
    compile(problem: Required<LinearProblem>): LinearKernelDefinition<N> | Promise<LinearKernelDefinition<N>>;
    readonly add?: 'kernel' | ((result: N, other: N, options: EngineRunOptions) => void | Promise<void>);
}

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

export interface LinearKernelDefinition<N extends NativeTensor = Tensor, P extends object = object> {
    pack(parameters: LinearParameters<N>): P | Promise<P>;
    packStored?(parameters: LinearParameters<N, StoredWeight>): P | Promise<P>;
    free?(weights: P): void;
    run(input: N, weights: P, options: EngineRunOptions, residual?: N): N | Promise<N>;
    runWithArgument?(input: N, weights: P, options: EngineRunOptions, residual?: N): OutputAndArgument<N> | Promise<OutputAndArgument<N>>;
    activate?(argument: N, options: EngineRunOptions): N | Promise<N>;
    gradient?(input: N, weights: P, dOutput: N, options: EngineRunOptions, dResidual?: N, argument?: N): LinearGradients<N> | Promise<LinearGradients<N>>;
    dispose?(): void | Promise<void>;
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

export type Multiply = (x: Tensor, w: Tensor) => Tensor | Promise<Tensor>;

export interface NativeTensor {
    readonly dtype: DType;
    readonly shape: readonly number[];
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

export type OfferedName = Exclude<Operation & keyof AttentionBackend, 'linear'>;

export type Operation = (typeof OPERATIONS)[number];

export interface OperationChecks {
    readonly problem: (given: never) => object;
    readonly inputs: (problem: never, given: never) => object;
    readonly saved?: (problem: never, given: never) => object;
    readonly forward: (problem: never, given: never, inputs: never) => object;
}

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

export interface OperationKernelDefinition<N extends NativeTensor, Inputs, Forward, Gradients, Saved = Inputs> {
    run(inputs: Inputs, options: EngineRunOptions): N | Promise<N>;
    gradient?(inputs: Saved, forward: Forward, options: EngineRunOptions): Gradients | Promise<Gradients>;
    dispose?(): void | Promise<void>;
}

export interface OperationOffer<N extends NativeTensor = Tensor> {
    readonly name: OfferedName;
    readonly checks: OperationChecks;
    readonly compile: (problem: never) => OperationKernelDefinition<N, never, never, object> | Promise<OperationKernelDefinition<N, never, never, object>>;
}

export interface OperationResults<T> {
    readonly output: T;
}

export interface OptionKind {
    readonly expected: string;
    readonly accepts: (value: unknown) => boolean;
    readonly required?: boolean;
    readonly clause?: string;
}

export type OptionTable<T> = {
    readonly [Name in keyof T]-?: OptionKind | true;
};

export interface Origin {
    readonly batch: number;
    readonly head: number;
    readonly query: number;
    readonly key: number;
}

export type OutputAndArgument<N> = Required<LinearResults<N>>;

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

export interface RowStrides {
    readonly batch: number;
    readonly head: number;
    readonly row: number;
}

export interface Run {
    readonly from: number;
    readonly to: number;
    readonly length: number;
}

export interface RunOptions {
    readonly signal?: AbortSignal | undefined;
}

export declare const STORED_TYPES: readonly StoredType[];

export type Selection = 'softmax' | 'argmax' | 'sample';

export interface SlicePosition {
    readonly axis: number;
    readonly start: number | readonly number[];
}

export type Slot = 'float' | 'mask' | 'int32' | 'any';

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

export declare const TURN_MILLISECONDS = 50;

export interface Tensor<D extends DType = DType> {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: DTypeArrays[D];
}

export type TensorLike = PlainTensorLike | ResidentTensor;

export type Tensors<Names, T> = {
    readonly [Name in keyof Names]: T;
};

export interface VisibleKeys {
    offset(b: number): number;
    first(b: number, i: number): number;
    end(b: number, i: number): number;
    place(j: number): number;
    exists(b: number, j: number): boolean;
}

export type WeightType = ComputeDType | StoredType;

export declare const abortSignal: OptionKind;

export declare function addOnHost<N extends NativeTensor>({ view }: HostViews<N>): (result: N, other: N) => void;

export declare function allocate<N extends NativeTensor>(memory: DeviceMemory<N>, dtype: DType, shape: readonly number[]): N | Promise<N>;

export declare const array: OptionKind;

export declare function assertBackend(given: unknown, name?: string): asserts given is AttentionBackend;

export declare function assertBlob(file: Blob, clause: string): void;

export declare function broadcastStrides(shape: BroadcastShape): readonly [number, number, number, number];

export declare function bytesOfBlob(file: Blob, begin: number, end: number): Promise<Uint8Array>;

export declare function cacheStrides({ batch, kvBatch, kvHeads, keyLength, layout }: AttentionProblem, depth: number): RowStrides;

export declare const callback: OptionKind;

export declare function checkGradientInputs(problem: AttentionProblem, forward: GradientInputs): void;

export declare function checkInputs(problem: AttentionProblem, inputs: AttentionInputs): void;

export declare function checkOptions<T>(owner: string, given: T, table: OptionTable<NonNullable<T>>): void;

export declare function checkProblem(problem: AttentionProblem): AttentionProblem;

export declare function computeDType(dtype: FloatDType): ComputeDType;

export declare function contiguousCache(problem: AttentionProblem, inputs: AttentionInputs<Tensor>): AttentionInputs<Tensor>;

export declare function decodeBlocks({ dtype, data }: BlockWeight, first: number, to: Float64Array): void;

export declare function defineBackend<N extends NativeTensor = Tensor>(definition: BackendDefinition<N>): AttentionBackend;

export declare function dropoutOf({ dropout }: Pick<AttentionProblem, 'dropout'>, { seed, origin }: Pick<AttentionInputs, 'seed' | 'origin'>): Dropout | null;

export declare function exchangeHeadsAndLength<T extends Tensor>(given: T): T;

export declare function featuresOf(problem: AttentionProblem): Feature[];

export declare const flag: OptionKind;

export declare function fromFloat16(bits: number): number;

export declare function gradientDType({ dtype, cacheType }: AttentionProblem, name: string): FloatDType;

export declare function gumbelNoise(seed: number, b: number, h: number, i: number, j: number): number;

export declare function halfTable(dtype: HalfDType): Float32Array;

export declare const hostMemory: DeviceMemory<Tensor>;

export declare function inTurns<T>(work: Generator<void, T, void>, signal: AbortSignal | undefined): Promise<T>;

export declare function integer(minimum: number, maximum?: number): OptionKind;

export declare function integerAt({ dtype, data }: Pick<Tensor, 'dtype' | 'data'>, n: number): number;

export declare function isBlockType(type: unknown): type is BlockType;

export declare function isFloat(dtype: DType): dtype is FloatDType;

export declare function isHalf(dtype: unknown): dtype is HalfDType;

export declare function isStoredType(type: WeightType): type is StoredType;

export declare function linearGradientBy(problem: Required<LinearProblem>, { weight, bias }: {
    readonly weight: Tensor;
    readonly bias?: Tensor | undefined;
}, input: Tensor, dOutput: Tensor, multiply: Multiply, sum?: (dZ: Tensor<ComputeDType>) => Tensor<ComputeDType>, argument?: Tensor): Promise<LinearGradients<Tensor>>;

export declare function listOf(elements: OptionKind): OptionKind;

export declare function listed(words: readonly string[], most?: number): string;

export declare function nextTurn(): Promise<void>;

export declare function now(): number;

export declare function number(expected: string, accepts: (value: number) => boolean): OptionKind;

export declare function numbersOf({ dtype, data }: Tensor): Exclude<Tensor['data'], Uint16Array>;

export declare function onAbort(signal: AbortSignal, callback: () => void): () => void;

export declare function oneOf(...choices: readonly unknown[]): OptionKind;

export declare function partGradientInputs(own: Statistics, whole: GradientInputs<Tensor>, layout: Layout): Pick<GradientInputs<Tensor>, 'output' | 'dOutput' | 'isPart'>;

export declare function philox4x32(counter: readonly [number, number, number, number], key: readonly [number, number]): [number, number, number, number];

export declare const plainViews: HostViews<Tensor>;

export declare function required(kind: OptionKind): OptionKind;

export declare function rowStrides(layout: Layout, heads: number, length: number, depth: number): RowStrides;

export declare function rowSumFrom(rowSum: number, exact: number, rounded: number): number;

export declare function shown(value: unknown): string;

export declare function sizeOf(shape: readonly number[]): number;

export declare function sumOfRows({ dtype, shape, data }: Tensor<ComputeDType>): Tensor<ComputeDType>;

export declare function supportOf(capabilities: Capabilities, problem: AttentionProblem): Support;

export declare function take<N extends NativeTensor>(memory: DeviceMemory<N>, native: N, axis: number, indices: readonly number[]): Promise<N>;

export declare function takenRuns(shape: readonly number[], axis: number, indices: readonly number[]): Generator<Run>;

export declare function takenShape(shape: readonly number[], axis: number, indices: readonly number[]): number[];

export declare const text: OptionKind;

export declare function textOf(thrown: unknown): string;

export declare function toHalf(dtype: HalfDType, from: ArrayLike<number>, to: Uint16Array): void;

export declare function toTensor(name: string, value: unknown, slot: Slot, floats?: FloatDType): Tensor | ResidentTensor;

export declare function visibleKeys(problem: AttentionProblem, inputs: Pick<AttentionInputs, 'offsets' | 'blockTable' | 'keyLengths' | 'keyStarts' | 'queryLengths'>): VisibleKeys;

export declare function weightNumbers(weight: Tensor | BlockWeight): Exclude<Tensor['data'], Uint16Array>;

export declare function widened<T extends object = AttentionInputs<Tensor>>(inputs: T): T;

export declare function withKernel<T>(backend: AttentionBackend, problem: AttentionProblem, work: (kernel: AttentionKernel) => Promise<T>): Promise<T>;

export declare function withoutIgnoredRows<T extends Tensor<ComputeDType>>(x: T, dOutput: Tensor<ComputeDType>): T;

export declare function writeSlices(target: Pick<Tensor, 'shape' | 'data'>, part: Pick<Tensor, 'shape' | 'data'>, at: SlicePosition): void;

export declare function writtenRuns(target: readonly number[], part: readonly number[], { axis, start }: SlicePosition): Generator<Run>;

export declare function zeros<D extends DType>(dtype: D, shape: readonly number[]): Tensor<D>;
