// exports
//   Activation: Activation of @heed/core
//   Adam
//   AdamOptions
//   AdamW
//   AdamWOptions
//   AdditiveAttention
//   AdditiveAttentionOptions
//   AttentionScope
//   CacheOptions
//   CrossEntropy
//   CrossEntropyOptions
//   DropoutOptions
//   Embedding
//   EmbeddingOptions
//   FeedForward
//   FeedForwardOnOptions
//   FeedForwardOptions
//   FeedForwardResults
//   FloatTensor
//   FloatTensorLike
//   ForwardOnOptions
//   ForwardOnResults
//   ForwardOptions
//   HardAttention
//   HardAttentionOptions
//   HardAttentionResults
//   HardForwardOptions
//   KeyValueCache
//   KeyValuePools
//   KeysSoFar
//   LayerNorm
//   LayerNormOptions
//   Linear
//   LinearGradients
//   LinearOptions
//   LuongAttention
//   LuongAttentionOptions
//   MultiHeadAttention
//   MultiHeadAttentionGradients
//   MultiHeadAttentionInputs
//   MultiHeadAttentionOptions
//   MultiHeadAttentionResults
//   MultiHeadForwardOptions
//   NamedTensors
//   Optimizer
//   PagedStep
//   ParameterSource
//   PlacedTensor
//   PoolOptions
//   ProjectionBiases
//   QueryKeyNormOptions
//   RMSNorm
//   RMSNormOptions
//   RelativePositionBias
//   RelativePositionBiasOptions
//   RelativePositionLengths
//   RotaryFrequencies
//   RotaryOptions
//   RotaryScaling
//   RotateInputs
//   RowRange
//   SGD
//   SGDOptions
//   Safetensors
//   SafetensorsFile
//   SafetensorsHeader
//   SafetensorsIndex
//   Schedule
//   ScheduleOptions
//   SingleHeadGradients
//   SingleHeadInputs
//   SingleHeadResults
//   SpatialAttention
//   SpatialAttentionGradients
//   SpatialAttentionInputs
//   SpatialAttentionOptions
//   SpatialAttentionResults
//   StateDict
//   StoredTensor
//   TransformerBlock
//   TransformerBlockForwardOptions
//   TransformerBlockGradients
//   TransformerBlockInputs
//   TransformerBlockOptions
//   TransformerBlockResults
//   WriteSafetensorsOptions
//   activate
//   activationGradient
//   addGradients
//   assignParameters
//   clipGradients
//   collectParameters
//   cosineSchedule
//   crossEntropy
//   dropout
//   linearSchedule
//   openSafetensors
//   openSafetensorsShards
//   pagedStep
//   projectionDevice
//   readSafetensors
//   readSafetensorsHeader
//   rotaryFrequencies
//   rotate
//   seededRandom
//   writeSafetensors

export declare class Adam implements Optimizer {
    #private;
    constructor(options?: AdamOptions);
    step(parameters: NamedTensors, gradients: NamedTensors): void;
}

export interface AdamOptions {
    readonly learningRate?: number | Schedule | undefined;
    readonly beta1?: number | undefined;
    readonly beta2?: number | undefined;
    readonly epsilon?: number | undefined;
}

export declare class AdamW implements Optimizer {
    #private;
    constructor(options?: AdamWOptions);
    step(parameters: NamedTensors, gradients: NamedTensors): void;
}

export interface AdamWOptions extends AdamOptions {
    readonly weightDecay?: (number | ((name: string) => number)) | undefined;
}

export declare class AdditiveAttention {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: AdditiveAttentionOptions);
    forward<const O extends ForwardOptions = object>(backend: AttentionBackend, inputs: SingleHeadInputs, options?: O): Promise<SingleHeadResults<O>>;
    loadStateDict(stateDict: StateDict): void;
}

export interface AdditiveAttentionOptions {
    readonly queryDim: number;
    readonly keyDim: number;
    readonly attentionDim: number;
    readonly dtype?: ComputeDType | undefined;
    readonly random?: (() => number) | undefined;
}

export type AttentionScope = Pick<LayerRequest, 'causal' | 'window' | 'alignment' | 'mask' | 'keyLengths' | 'keyStarts' | 'queryLengths' | 'querySegments' | 'keySegments'> & {
    readonly keyMask?: PlainTensorLike | undefined;
};

export interface CacheOptions {
    readonly batch?: number | undefined;
    readonly capacity: number;
    readonly ring?: boolean | undefined;
    readonly type?: CacheType | undefined;
}

export interface CrossEntropy {
    readonly loss: number;
    readonly losses: Float64Array;
    readonly dLogits: FloatTensor;
}

export interface CrossEntropyOptions {
    readonly ignoreIndex?: number | undefined;
    readonly labelSmoothing?: number | undefined;
}

export interface DropoutOptions {
    readonly probability: number;
    readonly seed: number;
    readonly stream?: number | undefined;
}

export declare class Embedding {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: EmbeddingOptions);
    forward(given: PlainTensorLike): FloatTensor;
    gradient(given: PlainTensorLike, givenGradient: FloatTensorLike): Pick<LinearGradients, 'parameters'>;
    scores(given: FloatTensorLike): FloatTensor;
    scoresGradient(given: FloatTensorLike, givenGradient: FloatTensorLike): LinearGradients;
    scoresOn<const O extends ForwardOnOptions = object>(backend: AttentionBackend, given: FloatTensorLike, options?: O): Promise<ForwardOnResults<O>>;
    freeze(): this;
    loadStateDict(stateDict: StateDict): void;
}

export interface EmbeddingOptions {
    readonly count: number;
    readonly embedDim: number;
    readonly dtype?: ComputeDType | undefined;
    readonly random?: (() => number) | undefined;
}

export declare class FeedForward {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: FeedForwardOptions);
    forward(given: FloatTensorLike, options?: {
        readonly dropout?: DropoutOptions | undefined;
    }): FeedForwardResults;
    forwardOn<const O extends FeedForwardOnOptions = object>(backend: AttentionBackend, given: FloatTensorLike, options?: O): Promise<ForwardOnResults<O>>;
    freeze(): this;
    loadStateDict(stateDict: StateDict, options?: {
        readonly prefix?: string | undefined;
    }): void;
}

export interface FeedForwardOnOptions extends ForwardOnOptions {
    readonly dropout?: DropoutOptions | undefined;
}

export interface FeedForwardOptions {
    readonly embedDim: number;
    readonly hiddenDim?: number | undefined;
    readonly activation?: Activation | undefined;
    readonly gated?: boolean | undefined;
    readonly bias?: boolean | undefined;
    readonly dtype?: ComputeDType | undefined;
    readonly random?: (() => number) | undefined;
}

export interface FeedForwardResults {
    readonly output: FloatTensor;
    gradient(dOutput: FloatTensorLike): LinearGradients;
}

export type FloatArray = FloatTensor['data'];

export type FloatTensor = Tensor<ComputeDType>;

export type FloatTensorLike = FloatTensor | ArrayWithShape<FloatArray> | NestedArray;

export interface ForwardOnOptions extends RunOptions {
    readonly gradient?: boolean | undefined;
}

export type ForwardOnResults<Options> = {
    readonly output: FloatTensor;
} & When<Options, 'gradient', {
    gradient(dOutput: FloatTensorLike): Promise<LinearGradients>;
}>;

export interface ForwardOptions extends RunOptions {
    readonly weights?: boolean | undefined;
    readonly gradient?: boolean | AttentionBackend | undefined;
}

export declare class HardAttention {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: HardAttentionOptions);
    forward(backend: AttentionBackend, inputs: SingleHeadInputs, options: HardForwardOptions): Promise<HardAttentionResults>;
    loadStateDict(stateDict: StateDict): void;
}

export interface HardAttentionOptions {
    readonly queryDim: number;
    readonly keyDim: number;
    readonly attentionDim: number;
    readonly dtype?: ComputeDType | undefined;
    readonly random?: (() => number) | undefined;
}

export interface HardAttentionResults {
    readonly output: FloatTensor;
    readonly choice: Tensor<'int32'>;
    readonly logProbability: FloatTensor;
    reinforce(dLogProbability: FloatTensorLike, dOutput?: FloatTensorLike): Promise<SingleHeadGradients>;
    straightThrough(dOutput: FloatTensorLike): Promise<SingleHeadGradients>;
}

export interface HardForwardOptions extends RunOptions {
    readonly selection: 'argmax' | 'sample';
    readonly seed?: number | undefined;
    readonly gradient?: AttentionBackend | undefined;
}

export interface KeyValueCache extends KeysSoFar {
    truncate(length: number): void;
    dispose(): void;
}

export interface KeyValuePools {
    at(step: PagedStep): KeysSoFar;
    copy(copies: PagedStep['copies']): Promise<void>;
    dispose(): void;
}

export interface KeysSoFar {
    readonly length: number;
    readonly capacity: number;
}

export declare class LayerNorm {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: LayerNormOptions);
    forward(given: FloatTensorLike): FloatTensor;
    gradient(given: FloatTensorLike, givenGradient: FloatTensorLike): LinearGradients;
    forwardOn<const O extends ForwardOnOptions = object>(backend: AttentionBackend, given: FloatTensorLike, options?: O): Promise<ForwardOnResults<O>>;
    loadStateDict(stateDict: StateDict): void;
}

export interface LayerNormOptions {
    readonly embedDim: number;
    readonly epsilon?: number | undefined;
    readonly bias?: boolean | undefined;
    readonly dtype?: ComputeDType | undefined;
}

type LayerRequest = AttentionRequest<TensorLike>;

export declare class Linear {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: LinearOptions);
    forward(given: FloatTensorLike): FloatTensor;
    gradient(given: FloatTensorLike, givenGradient: FloatTensorLike): LinearGradients;
    forwardOn<const O extends ForwardOnOptions = object>(backend: AttentionBackend, given: FloatTensorLike, options?: O): Promise<ForwardOnResults<O>>;
    freeze(): this;
    loadStateDict(stateDict: StateDict): void;
}

export interface LinearGradients {
    readonly dInput: FloatTensor;
    readonly parameters: NamedTensors;
}

export interface LinearOptions {
    readonly inputDim: number;
    readonly outputDim: number;
    readonly bias?: boolean | undefined;
    readonly dtype?: ComputeDType | undefined;
    readonly random?: (() => number) | undefined;
}

export declare class LuongAttention {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: LuongAttentionOptions);
    forward<const O extends ForwardOptions = object>(backend: AttentionBackend, inputs: SingleHeadInputs, options?: O): Promise<SingleHeadResults<O>>;
    loadStateDict(stateDict: StateDict): void;
}

export interface LuongAttentionOptions {
    readonly score: 'dot' | 'general' | 'concat';
    readonly queryDim: number;
    readonly keyDim: number;
    readonly attentionDim?: number | undefined;
    readonly local?: {
        readonly position: 'monotonic' | 'predictive';
        readonly halfWidth: number;
    } | undefined;
    readonly dtype?: ComputeDType | undefined;
    readonly random?: (() => number) | undefined;
}

export declare class MultiHeadAttention {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: MultiHeadAttentionOptions);
    forward<const O extends MultiHeadForwardOptions = object>(backend: AttentionBackend, inputs: MultiHeadAttentionInputs, options?: O): Promise<MultiHeadAttentionResults<O>>;
    freeze(): this;
    cache(backend: AttentionBackend, options: CacheOptions): Promise<KeyValueCache>;
    pools(backend: AttentionBackend, options: PoolOptions): Promise<KeyValuePools>;
    loadStateDict(stateDict: StateDict, options?: {
        readonly prefix?: string | undefined;
    }): void;
}

export interface MultiHeadAttentionGradients {
    readonly dQuery: FloatTensor;
    readonly dKey?: FloatTensor;
    readonly dValue?: FloatTensor;
    readonly dBias?: FloatTensor;
    readonly parameters: NamedTensors;
}

export interface MultiHeadAttentionInputs extends AttentionScope {
    readonly query: FloatTensorLike;
    readonly key?: FloatTensorLike | undefined;
    readonly value?: FloatTensorLike | undefined;
    readonly bias?: FloatTensorLike | undefined;
    readonly alibiSlopes?: FloatTensorLike | undefined;
    readonly queryPositions?: PlainTensorLike | undefined;
    readonly keyPositions?: PlainTensorLike | undefined;
    readonly cache?: KeysSoFar | undefined;
}

export interface MultiHeadAttentionOptions {
    readonly embedDim: number;
    readonly heads: number;
    readonly kvHeads?: number | undefined;
    readonly headDim?: number | undefined;
    readonly kdim?: number | undefined;
    readonly vdim?: number | undefined;
    readonly bias?: boolean | ProjectionBiases | undefined;
    readonly queryKeyNorm?: QueryKeyNormOptions | undefined;
    readonly sinks?: boolean | undefined;
    readonly rotary?: RotaryOptions | undefined;
    readonly scale?: number | undefined;
    readonly softcap?: number | undefined;
    readonly dtype?: ComputeDType | undefined;
    readonly random?: (() => number) | undefined;
}

export type MultiHeadAttentionResults<Options> = {
    readonly output: FloatTensor;
} & When<Options, 'weights', {
    readonly weights: FloatTensor;
}> & (Options extends {
    readonly logSumExp: true;
} ? {
    readonly logSumExp: FloatTensor;
} : unknown) & When<Options, 'gradient', {
    gradient(dOutput: FloatTensorLike): Promise<MultiHeadAttentionGradients>;
}>;

export interface MultiHeadForwardOptions extends ForwardOptions {
    readonly logSumExp?: boolean | undefined;
    readonly dropout?: Pick<DropoutOptions, 'probability' | 'seed'> | undefined;
}

export type NamedTensors = Readonly<Record<string, FloatTensor>>;

export interface Optimizer {
    step(parameters: NamedTensors, gradients: NamedTensors): void;
}

export interface PagedStep {
    readonly slots: readonly (readonly number[])[];
    readonly copies: readonly PageCopy[];
    readonly blockTable: Tensor<'int32'>;
    readonly keyLengths: readonly number[];
    readonly capacity: number;
}

export type ParameterSource = {
    readonly parameters: NamedTensors;
} | NamedTensors | readonly ParameterSource[];

export interface PlacedTensor extends StoredTensor {
    readonly begin: number;
    readonly end: number;
}

export interface PoolOptions extends Pick<CacheOptions, 'type'> {
    readonly book: PagedCache;
}

export interface ProjectionBiases {
    readonly query?: boolean | undefined;
    readonly key?: boolean | undefined;
    readonly value?: boolean | undefined;
    readonly output?: boolean | undefined;
}

export interface QueryKeyNormOptions {
    readonly epsilon?: number | undefined;
    readonly unitOffset?: boolean | undefined;
}

export declare class RMSNorm {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: RMSNormOptions);
    forward(given: FloatTensorLike): FloatTensor;
    gradient(given: FloatTensorLike, givenGradient: FloatTensorLike): LinearGradients;
    forwardOn<const O extends ForwardOnOptions = object>(backend: AttentionBackend, given: FloatTensorLike, options?: O): Promise<ForwardOnResults<O>>;
    loadStateDict(stateDict: StateDict): void;
}

export interface RMSNormOptions {
    readonly embedDim: number;
    readonly epsilon?: number | undefined;
    readonly unitOffset?: boolean | undefined;
    readonly dtype?: ComputeDType | undefined;
}

export declare class RelativePositionBias {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: RelativePositionBiasOptions);
    forward(lengths: RelativePositionLengths): FloatTensor;
    gradient(lengths: RelativePositionLengths, given: FloatTensorLike): {
        readonly parameters: NamedTensors;
    };
    loadStateDict(stateDict: StateDict, options?: {
        readonly prefix?: string | undefined;
    }): void;
}

export interface RelativePositionBiasOptions {
    readonly heads: number;
    readonly buckets?: number | undefined;
    readonly maxDistance?: number | undefined;
    readonly bidirectional?: boolean | undefined;
    readonly dtype?: ComputeDType | undefined;
    readonly random?: (() => number) | undefined;
}

export interface RelativePositionLengths {
    readonly queries: number;
    readonly keys?: number | undefined;
    readonly offset?: number | undefined;
}

export interface RotaryFrequencies {
    readonly frequencies: Float64Array;
    readonly factor: number;
}

export interface RotaryOptions {
    readonly base?: number | undefined;
    readonly dim?: number | undefined;
    readonly interleaved?: boolean | undefined;
    readonly scaling?: RotaryScaling | undefined;
    readonly frequencies?: readonly number[] | undefined;
    readonly factor?: number | undefined;
}

export type RotaryScaling = {
    readonly kind: 'linear' | 'ntk';
    readonly factor: number;
} | {
    readonly kind: 'dynamic';
    readonly factor: number;
    readonly trainedLength: number;
} | {
    readonly kind: 'yarn';
    readonly factor: number;
    readonly trainedLength: number;
    readonly betaFast?: number | undefined;
    readonly betaSlow?: number | undefined;
    readonly mscale?: number | undefined;
    readonly mscaleAllDim?: number | undefined;
    readonly truncate?: boolean | undefined;
} | {
    readonly kind: 'llama3';
    readonly factor: number;
    readonly trainedLength: number;
    readonly lowFrequencyFactor: number;
    readonly highFrequencyFactor: number;
};

export interface RotateInputs {
    readonly positions?: PlainTensorLike | undefined;
    readonly inverse?: boolean | undefined;
}

export interface RowRange {
    readonly start: number;
    readonly end: number;
}

export declare class SGD implements Optimizer {
    #private;
    constructor(options: SGDOptions);
    step(parameters: NamedTensors, gradients: NamedTensors): void;
}

export interface SGDOptions {
    readonly learningRate: number | Schedule;
    readonly momentum?: number | undefined;
}

export interface Safetensors {
    readonly metadata: Readonly<Record<string, string>>;
    readonly names: readonly string[];
    tensor(name: string, options?: {
        readonly keepHalf?: boolean | undefined;
    }): Tensor;
    stateDict(prefix?: string): StateDict;
}

export interface SafetensorsFile {
    readonly metadata: Readonly<Record<string, string>>;
    readonly names: readonly string[];
    describe(name: string): StoredTensor;
    tensor(name: string, rows?: RowRange): Promise<Tensor>;
    stored(name: string): Promise<Tensor>;
    stateDict(prefix?: string): Promise<Record<string, Tensor>>;
}

export interface SafetensorsHeader {
    readonly metadata: Readonly<Record<string, string>>;
    readonly tensors: ReadonlyMap<string, PlacedTensor>;
}

export interface SafetensorsIndex {
    readonly weight_map: Readonly<Record<string, string>>;
}

export type Schedule = (step: number) => number;

export interface ScheduleOptions {
    readonly learningRate: number;
    readonly steps: number;
    readonly warmup?: number | undefined;
    readonly finalRate?: number | undefined;
}

export interface SingleHeadGradients {
    readonly dQuery: FloatTensor;
    readonly dKey: FloatTensor;
    readonly dValue?: FloatTensor;
    readonly parameters: NamedTensors;
}

export interface SingleHeadInputs extends AttentionScope {
    readonly query: FloatTensorLike;
    readonly key: FloatTensorLike;
    readonly value?: FloatTensorLike | undefined;
}

export type SingleHeadResults<Options> = {
    readonly output: FloatTensor;
} & When<Options, 'weights', {
    readonly weights: FloatTensor;
}> & When<Options, 'gradient', {
    gradient(dOutput: FloatTensorLike): Promise<SingleHeadGradients>;
}>;

export declare class SpatialAttention {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: SpatialAttentionOptions);
    forward<const O extends ForwardOptions = object>(backend: AttentionBackend, inputs: SpatialAttentionInputs, options?: O): Promise<SpatialAttentionResults<O>>;
    loadStateDict(stateDict: StateDict): void;
}

export interface SpatialAttentionGradients {
    readonly dInput: FloatTensor;
    readonly dQuery?: FloatTensor;
    readonly parameters: NamedTensors;
}

export interface SpatialAttentionInputs {
    readonly input: FloatTensorLike;
    readonly query?: FloatTensorLike | undefined;
    readonly gridMask?: PlainTensorLike | undefined;
    readonly regions?: PlainTensorLike | undefined;
}

export interface SpatialAttentionOptions {
    readonly grid: readonly number[];
    readonly channels: number;
    readonly heads: number;
    readonly embedDim?: number | undefined;
    readonly queries?: 'places' | 'given' | {
        readonly learned: number;
    } | undefined;
    readonly relativePosition?: boolean | undefined;
    readonly dtype?: ComputeDType | undefined;
    readonly random?: (() => number) | undefined;
}

export type SpatialAttentionResults<Options> = {
    readonly output: FloatTensor;
} & When<Options, 'weights', {
    readonly weights: FloatTensor;
}> & When<Options, 'gradient', {
    gradient(dOutput: FloatTensorLike): Promise<SpatialAttentionGradients>;
}>;

export type StateDict = Readonly<Record<string, Tensor>>;

export interface StoredTensor {
    readonly dtype: string;
    readonly shape: readonly number[];
}

export declare class TransformerBlock {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: TransformerBlockOptions);
    forward<const O extends TransformerBlockForwardOptions = object>(backend: AttentionBackend, inputs: TransformerBlockInputs, options?: O): Promise<TransformerBlockResults<O>>;
    freeze(): this;
    cache(backend: AttentionBackend, options: CacheOptions): Promise<KeyValueCache>;
    pools(backend: AttentionBackend, options: PoolOptions): Promise<KeyValuePools>;
    loadStateDict(stateDict: StateDict, options?: {
        readonly prefix?: string | undefined;
    }): void;
}

export interface TransformerBlockForwardOptions extends Omit<MultiHeadForwardOptions, 'logSumExp' | 'dropout'> {
    readonly dropout?: Pick<DropoutOptions, 'probability' | 'seed'> | undefined;
    readonly attentionDropout?: MultiHeadForwardOptions['dropout'] | undefined;
}

export interface TransformerBlockGradients {
    readonly dInput: FloatTensor;
    readonly dMemory?: FloatTensor;
    readonly dBias?: FloatTensor;
    readonly parameters: NamedTensors;
}

export interface TransformerBlockInputs extends Omit<MultiHeadAttentionInputs, 'query' | 'key' | 'value'> {
    readonly input: FloatTensorLike;
    readonly memory?: FloatTensorLike | undefined;
    readonly memoryMask?: MultiHeadAttentionInputs['keyMask'];
}

export interface TransformerBlockOptions extends Pick<FeedForwardOptions, 'hiddenDim' | 'gated'> {
    readonly embedDim: number;
    readonly heads: number;
    readonly attention?: Omit<MultiHeadAttentionOptions, 'embedDim' | 'heads' | 'kdim' | 'vdim' | 'dtype' | 'random'> | undefined;
    readonly cross?: boolean | undefined;
    readonly memoryDim?: number | undefined;
    readonly normFirst?: boolean | undefined;
    readonly norm?: 'layer' | 'rms' | undefined;
    readonly epsilon?: number | undefined;
    readonly activation?: Activation | undefined;
    readonly bias?: boolean | undefined;
    readonly dtype?: ComputeDType | undefined;
    readonly random?: (() => number) | undefined;
}

export type TransformerBlockResults<Options> = {
    readonly output: FloatTensor;
} & When<Options, 'weights', {
    readonly weights: FloatTensor;
    readonly crossWeights?: FloatTensor;
}> & When<Options, 'gradient', {
    gradient(dOutput: FloatTensorLike): Promise<TransformerBlockGradients>;
}>;

export type When<Options, Name extends keyof ForwardOptions, Member> = Options extends {
    readonly [N in Name]: true | AttentionBackend;
} ? Member : unknown;

export interface WriteSafetensorsOptions {
    readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export declare function activate(name: Activation, input: FloatTensor): FloatTensor;

export declare function activationGradient(name: Activation, input: FloatTensor, dOutput: FloatTensor): FloatTensor;

export declare function addGradients(...gradients: readonly NamedTensors[]): NamedTensors;

export declare function assignParameters(parameters: NamedTensors, stateDict: StateDict): void;

export declare function clipGradients(gradients: NamedTensors, maximum: number): number;

export declare function collectParameters(layers: Readonly<Record<string, ParameterSource>>): NamedTensors;

export declare function cosineSchedule(options: ScheduleOptions): Schedule;

export declare function crossEntropy(logits: FloatTensor, target: PlainTensorLike, options?: CrossEntropyOptions): CrossEntropy;

export declare function dropout(input: FloatTensor, options: DropoutOptions): FloatTensor;

export declare function linearSchedule(options: ScheduleOptions): Schedule;

export declare function openSafetensors(file: Blob): Promise<SafetensorsFile>;

export declare function openSafetensorsShards(index: SafetensorsIndex, open: (file: string) => Blob | Promise<Blob>): Promise<SafetensorsFile>;

export declare function pagedStep(book: PagedCache, ids: readonly number[], count: number, options?: {
    readonly columns?: number | undefined;
}): PagedStep;

export declare function projectionDevice(dtype?: ComputeDType): string;

export declare function readSafetensors(file: Uint8Array | ArrayBuffer): Safetensors;

export declare function readSafetensorsHeader(size: number, read: (from: number, count: number) => Uint8Array): SafetensorsHeader;

export declare function rotaryFrequencies(options: RotaryOptions & {
    readonly dim: number;
}, length?: number): RotaryFrequencies;

export declare function rotate(given: FloatTensorLike, rotary: RotaryOptions, inputs?: RotateInputs): FloatTensor;

export declare function seededRandom(seed: number): () => number;

export declare function writeSafetensors(tensors: StateDict, options?: WriteSafetensorsOptions): Uint8Array;
