// exports
//   default: reference
//   referenceForward
//   referenceGradient

export type AlignmentKind = 'topLeft' | 'bottomRight' | 'offset';

export type ArrayDType<A> = A extends Float32Array ? 'float32' : A extends Float64Array ? 'float64' : A extends Int32Array ? 'int32' : 'bool';

export interface ArrayWithShape<A extends DTypeArrays[DType] = DTypeArrays[DType]> {
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
    readonly queryLength: number;
    readonly keyLength: number;
    readonly headDim: number;
    readonly valueDim: number;
    readonly dtype: FloatDType;
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

export type BroadcastShape = readonly [number, number, number, number];

export declare const CONTRACT_VERSION = 1;

export interface Capabilities {
    readonly dtypes: readonly FloatDType[];
    readonly features: readonly Feature[];
    readonly guarantees: readonly Guarantee[];
}

export type DType = 'float32' | 'float64' | 'int32' | 'bool';

export interface DTypeArrays {
    float32: Float32Array;
    float64: Float64Array;
    int32: Int32Array;
    bool: Uint8Array;
}

export type DTypeOf<T extends PlainTensorLike> = T extends {
    readonly dtype: infer D extends DType;
} ? D : T extends {
    readonly data: infer A extends DTypeArrays[DType];
} ? ArrayDType<A> : 'float32' | 'bool';

export declare const FEATURES: readonly ['layout.blhd', 'valueDim', 'gqa', 'mask.boolean', 'mask.float', 'bias', 'alignment.bottomRight', 'alignment.offset', 'causal', 'window', 'lengths.key', 'lengths.keyStart', 'lengths.query', 'segments', 'alibi', 'softcap', 'sinks', 'weights', 'logSumExp', 'statistics', 'selection.argmax', 'selection.sample', 'gradient'];

export type Feature = (typeof FEATURES)[number];

export type FloatDType = 'float32' | 'float64';

export declare const GUARANTEES: readonly ['padding', 'nonfinite', 'repeat', 'batch'];

export interface GradientInputs<T = Tensor | ResidentTensor> {
    readonly output: T;
    readonly statistics: Statistics<T>;
    readonly dOutput: T;
}

export type Guarantee = (typeof GUARANTEES)[number];

export type Layout = 'bhld' | 'blhd';

export type NestedArray = readonly (number | boolean | NestedArray)[];

export type OutputName = 'output' | 'weights' | 'logSumExp' | 'statistics' | 'choice';

export interface OutputsByName<T = Tensor> {
    readonly output: T;
    readonly weights: T;
    readonly logSumExp: T;
    readonly statistics: Statistics<T>;
    readonly choice: T;
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
}

export interface ResidentTensor<D extends DType = DType> {
    readonly resident: true;
    readonly dtype: D;
    readonly shape: readonly number[];
    write(part: PlainTensorLike, at: {
        readonly axis: number;
        readonly start: number | PerBatch;
    }): Promise<void>;
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
    hold(): ResidentTensor<D>;
    dispose(): void;
}

export interface RunOptions {
    readonly signal?: AbortSignal;
}

export type Selection = 'softmax' | 'argmax' | 'sample';

export interface Statistics<T = Tensor> {
    readonly rowMax: T;
    readonly rowSum: T;
}

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

declare const reference: BackendProvider<void>;

export declare function referenceForward(problem: AttentionProblem, inputs: AttentionInputs<Tensor>): OutputsByName<Tensor>;

export declare function referenceGradient(problem: AttentionProblem, inputs: AttentionInputs<Tensor>, dOutput: Tensor): AttentionGradients;
