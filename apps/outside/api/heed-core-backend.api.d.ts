// exports
//   BackendDefinition
//   DeviceMemory
//   ELEMENT_BYTES
//   KernelDefinition
//   NativeTensor
//   OptionKind
//   OptionTable
//   RowStrides
//   Run
//   SlicePosition
//   Slot
//   TURN_MILLISECONDS
//   VisibleKeys
//   abortSignal
//   array
//   assertBackend
//   broadcastStrides
//   callback
//   checkGradientInputs
//   checkInputs
//   checkOptions
//   checkProblem
//   defineBackend
//   exchangeHeadsAndLength
//   featuresOf
//   flag
//   fromFloat16
//   gumbelNoise
//   inTurns
//   integer
//   listOf
//   nextTurn
//   now
//   number
//   oneOf
//   philox4x32
//   required
//   rowStrides
//   rowSumFrom
//   shown
//   sizeOf
//   supportOf
//   takenRuns
//   takenShape
//   text
//   toTensor
//   visibleKeys
//   withKernel
//   writeSlices
//   writtenRuns
//   zeros

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

export interface BackendDefinition<N extends NativeTensor = Tensor> {
    readonly name: string;
    readonly device: string;
    readonly capabilities: Capabilities;
    limits?(problem: AttentionProblem): Support;
    compile(problem: AttentionProblem): KernelDefinition<N> | Promise<KernelDefinition<N>>;
    readonly memory?: DeviceMemory<N>;
    dispose?(): void | Promise<void>;
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

export interface DeviceMemory<N extends NativeTensor> {
    upload(tensor: Tensor): N | Promise<N>;
    download(native: N): Tensor | Promise<Tensor>;
    write(native: N, part: Tensor, at: SlicePosition): N | Promise<N>;
    free(native: N): void;
    allocate?(dtype: DType, shape: readonly number[]): N | Promise<N>;
    take?(native: N, axis: number, indices: readonly number[]): N | Promise<N>;
    wrap?(value: unknown): N | null;
}

export declare const ELEMENT_BYTES: Readonly<Record<DType, number>>;

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

export interface KernelDefinition<N extends NativeTensor = Tensor> {
    readonly plan: Plan;
    run(inputs: AttentionInputs<N>, options: RunOptions): AttentionResults<N> | Promise<AttentionResults<N>>;
    gradient?(inputs: AttentionInputs<N>, forward: GradientInputs<N>, options: RunOptions): AttentionGradients<N> | Promise<AttentionGradients<N>>;
    dispose?(): void | Promise<void>;
}

export type Layout = 'bhld' | 'blhd';

export interface NativeTensor {
    readonly dtype: DType;
    readonly shape: readonly number[];
}

export type NestedArray = readonly (number | boolean | NestedArray)[];

export interface OptionKind {
    readonly expected: string;
    readonly accepts: (value: unknown) => boolean;
    readonly required?: boolean;
    readonly clause?: string;
}

export type OptionTable<T> = {
    readonly [Name in keyof T]-?: OptionKind | true;
};

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
    readonly signal?: AbortSignal;
}

export type Selection = 'softmax' | 'argmax' | 'sample';

export interface SlicePosition {
    readonly axis: number;
    readonly start: number | readonly number[];
}

export type Slot = 'float' | 'mask' | 'int32' | 'any';

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

export declare const TURN_MILLISECONDS = 50;

export interface Tensor<D extends DType = DType> {
    readonly dtype: D;
    readonly shape: readonly number[];
    readonly data: DTypeArrays[D];
}

export interface VisibleKeys {
    offset(b: number): number;
    first(b: number, i: number): number;
    end(b: number, i: number): number;
}

export declare const abortSignal: OptionKind;

export declare function allocate<N extends NativeTensor>(memory: DeviceMemory<N>, dtype: DType, shape: readonly number[]): N | Promise<N>;

export declare const array: OptionKind;

export declare function assertBackend(given: unknown, name?: string): asserts given is AttentionBackend;

export declare function broadcastStrides(shape: BroadcastShape): readonly [number, number, number, number];

export declare const callback: OptionKind;

export declare function checkGradientInputs(problem: AttentionProblem, forward: GradientInputs): void;

export declare function checkInputs(problem: AttentionProblem, inputs: AttentionInputs): void;

export declare function checkOptions<T>(owner: string, given: T, table: OptionTable<NonNullable<T>>): void;

export declare function checkProblem(problem: AttentionProblem): AttentionProblem;

export declare function defineBackend<N extends NativeTensor = Tensor>(definition: BackendDefinition<N>): AttentionBackend;

export declare function exchangeHeadsAndLength<T extends Tensor>(given: T): T;

export declare function featuresOf(problem: AttentionProblem): Feature[];

export declare const flag: OptionKind;

export declare function fromFloat16(bits: number): number;

export declare function gumbelNoise(seed: number, b: number, h: number, i: number, j: number): number;

export declare function inTurns<T>(work: Generator<void, T, void>, signal: AbortSignal | undefined): Promise<T>;

export declare function integer(minimum: number, maximum?: number): OptionKind;

export declare function listOf(elements: OptionKind): OptionKind;

export declare function nextTurn(): Promise<void>;

export declare function now(): number;

export declare function number(expected: string, accepts: (value: number) => boolean): OptionKind;

export declare function oneOf(...choices: readonly unknown[]): OptionKind;

export declare function philox4x32(counter: readonly [number, number, number, number], key: readonly [number, number]): [number, number, number, number];

export declare function required(kind: OptionKind): OptionKind;

export declare function rowStrides(layout: Layout, heads: number, length: number, depth: number): RowStrides;

export declare function rowSumFrom(rowSum: number, exact: number, rounded: number): number;

export declare function shown(value: unknown): string;

export declare function sizeOf(shape: readonly number[]): number;

export declare function supportOf(capabilities: Capabilities, problem: AttentionProblem): Support;

export declare function take<N extends NativeTensor>(memory: DeviceMemory<N>, native: N, axis: number, indices: readonly number[]): Promise<N>;

export declare function takenRuns(shape: readonly number[], axis: number, indices: readonly number[]): Generator<Run>;

export declare function takenShape(shape: readonly number[], axis: number, indices: readonly number[]): number[];

export declare const text: OptionKind;

export declare function toTensor(name: string, value: unknown, slot: Slot, floats?: FloatDType): Tensor | ResidentTensor;

export declare function visibleKeys(problem: AttentionProblem, inputs: Pick<AttentionInputs, 'offsets' | 'keyLengths' | 'keyStarts' | 'queryLengths'>): VisibleKeys;

export declare function withKernel<T>(backend: AttentionBackend, problem: AttentionProblem, work: (kernel: AttentionKernel) => Promise<T>): Promise<T>;

export declare function writeSlices(target: Pick<Tensor, 'shape' | 'data'>, part: Pick<Tensor, 'shape' | 'data'>, at: SlicePosition): void;

export declare function writtenRuns(target: readonly number[], part: readonly number[], { axis, start }: SlicePosition): Generator<Run>;

export declare function zeros<D extends DType>(dtype: D, shape: readonly number[]): Tensor<D>;
