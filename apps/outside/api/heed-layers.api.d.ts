// exports
//   Adam
//   AdamOptions
//   AdditiveAttention
//   AdditiveAttentionOptions
//   AttentionScope
//   FloatTensor
//   FloatTensorLike
//   ForwardOptions
//   HardAttention
//   HardAttentionOptions
//   HardAttentionResults
//   HardForwardOptions
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
//   NamedTensors
//   Optimizer
//   RotaryOptions
//   RowRange
//   SGD
//   SGDOptions
//   Safetensors
//   SafetensorsFile
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
//   openSafetensors
//   projectionDevice
//   readSafetensors
//   seededRandom

export declare class Adam implements Optimizer {
    #private;
    constructor(options?: AdamOptions);
    step(parameters: NamedTensors, gradients: NamedTensors): void;
}

export interface AdamOptions {
    readonly learningRate?: number;
    readonly beta1?: number;
    readonly beta2?: number;
    readonly epsilon?: number;
    readonly weightDecay?: number;
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
    readonly dtype?: FloatDType;
    readonly random?: () => number;
}

export type AttentionScope = Pick<LayerRequest, 'causal' | 'window' | 'alignment' | 'mask' | 'keyLengths' | 'queryLengths' | 'querySegments' | 'keySegments'> & {
    readonly keyMask?: PlainTensorLike | undefined;
};

export type FloatArray = FloatTensor['data'];

export type FloatTensor = Tensor<FloatDType>;

export type FloatTensorLike = FloatTensor | ArrayWithShape<FloatArray> | NestedArray;

export interface ForwardOptions extends RunOptions {
    readonly weights?: boolean;
    readonly gradient?: boolean | AttentionBackend;
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
    readonly dtype?: FloatDType;
    readonly random?: () => number;
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
    readonly seed?: number;
    readonly gradient?: AttentionBackend;
}

type LayerRequest = AttentionRequest<TensorLike>;

export declare class Linear {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: LinearOptions);
    forward(given: FloatTensorLike): FloatTensor;
    gradient(given: FloatTensorLike, givenGradient: FloatTensorLike): LinearGradients;
    loadStateDict(stateDict: StateDict): void;
}

export interface LinearGradients {
    readonly dInput: FloatTensor;
    readonly parameters: NamedTensors;
}

export interface LinearOptions {
    readonly inputDim: number;
    readonly outputDim: number;
    readonly bias?: boolean;
    readonly dtype?: FloatDType;
    readonly random?: () => number;
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
    readonly attentionDim?: number;
    readonly local?: {
        readonly position: 'monotonic' | 'predictive';
        readonly halfWidth: number;
    };
    readonly dtype?: FloatDType;
    readonly random?: () => number;
}

export declare class MultiHeadAttention {
    #private;
    readonly parameters: NamedTensors;
    constructor(options: MultiHeadAttentionOptions);
    forward<const O extends ForwardOptions = object>(backend: AttentionBackend, inputs: MultiHeadAttentionInputs, options?: O): Promise<MultiHeadAttentionResults<O>>;
    loadStateDict(stateDict: StateDict, options?: {
        readonly prefix?: string;
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
}

export interface MultiHeadAttentionOptions {
    readonly embedDim: number;
    readonly heads: number;
    readonly kvHeads?: number;
    readonly headDim?: number;
    readonly kdim?: number;
    readonly vdim?: number;
    readonly bias?: boolean;
    readonly rotary?: RotaryOptions;
    readonly scale?: number;
    readonly softcap?: number;
    readonly dtype?: FloatDType;
    readonly random?: () => number;
}

export type MultiHeadAttentionResults<Options> = {
    readonly output: FloatTensor;
} & When<Options, 'weights', {
    readonly weights: FloatTensor;
}> & When<Options, 'gradient', {
    gradient(dOutput: FloatTensorLike): Promise<MultiHeadAttentionGradients>;
}>;

export type NamedTensors = Readonly<Record<string, FloatTensor>>;

export interface Optimizer {
    step(parameters: NamedTensors, gradients: NamedTensors): void;
}

export interface RotaryOptions {
    readonly base?: number;
    readonly dim?: number;
    readonly interleaved?: boolean;
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
    readonly learningRate: number;
    readonly momentum?: number;
}

export interface Safetensors {
    readonly metadata: Readonly<Record<string, string>>;
    readonly names: readonly string[];
    tensor(name: string): Tensor;
    stateDict(prefix?: string): StateDict;
}

export interface SafetensorsFile {
    readonly metadata: Readonly<Record<string, string>>;
    readonly names: readonly string[];
    describe(name: string): StoredTensor;
    tensor(name: string, rows?: RowRange): Promise<Tensor>;
    stateDict(prefix?: string): Promise<Record<string, Tensor>>;
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
    readonly query?: FloatTensorLike;
    readonly gridMask?: PlainTensorLike;
}

export interface SpatialAttentionOptions {
    readonly grid: readonly number[];
    readonly channels: number;
    readonly heads: number;
    readonly embedDim?: number;
    readonly queries?: 'places' | 'given' | {
        readonly learned: number;
    };
    readonly relativePosition?: boolean;
    readonly dtype?: FloatDType;
    readonly random?: () => number;
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

export type When<Options, Name extends keyof ForwardOptions, Member> = Options extends {
    readonly [N in Name]: true | AttentionBackend;
} ? Member : unknown;

export declare function openSafetensors(file: Blob): Promise<SafetensorsFile>;

export declare function projectionDevice(dtype?: FloatDType): string;

export declare function readSafetensors(file: Uint8Array | ArrayBuffer): Safetensors;

export declare function seededRandom(seed: number): () => number;
