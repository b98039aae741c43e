// exports
//   Beam
//   BeamOptions
//   Capture
//   Change
//   ChatMessage
//   Decoder
//   DecoderCache
//   DecoderCacheOptions
//   DecoderConfig
//   DecoderKind
//   DecoderResults
//   DecoderRunOptions
//   GGUFFile
//   GenerateOptions
//   GeneratedToken
//   HubFiles
//   Metadata
//   MetadataValue
//   ScoredToken
//   TextTokenizer
//   WeightSource
//   beamSearch
//   configOfGGUF
//   configOfHub
//   generate
//   ggufTokenizer
//   hubTokenizer
//   openGGUF

export interface Beam {
    readonly ids: readonly number[];
    readonly logProbability: number;
    readonly score: number;
}

export interface BeamOptions extends RunOptions {
    readonly beams: number;
    readonly maximum: number;
    readonly endIds?: readonly number[];
    readonly lengthPenalty?: number;
}

export type Capture = {
    readonly layer: number;
    readonly heads?: readonly number[];
    readonly what: (typeof OF_HEADS)[number];
} | {
    readonly layer: number;
    readonly what: (typeof OF_LAYERS)[number];
};

export type Change = {
    readonly layer: number;
    readonly heads: readonly number[];
    readonly what: 'off';
} | {
    readonly layer: number;
    readonly heads: readonly number[];
    readonly what: 'weights' | 'output';
    readonly value: FloatTensorLike;
} | {
    readonly layer: number;
    readonly what: (typeof OF_LAYERS)[number];
    readonly value: FloatTensorLike;
};

export interface ChatMessage {
    readonly role: 'system' | 'user' | 'assistant';
    readonly content: string;
}

export declare class Decoder {
    #private;
    readonly config: DecoderConfig;
    private constructor();
    static load(backend: AttentionBackend, files: GGUFFile | HubFiles): Promise<Decoder>;
    on(backend: AttentionBackend): Decoder;
    cache(options?: DecoderCacheOptions): Promise<DecoderCache>;
    run(ids: PlainTensorLike, options?: DecoderRunOptions): Promise<DecoderResults>;
    logits(residual: FloatTensorLike, { signal }?: RunOptions): Promise<Tensor<'float32'>>;
    likelihoods(ids: readonly number[], options?: Pick<DecoderRunOptions, 'change' | 'signal'>): Promise<Float64Array>;
}

export declare class DecoderCache {
    #private;
    readonly batch: number;
    readonly capacity: number;
    constructor(layers: readonly LayerMemory[], lengths: readonly number[]);
    get lengths(): readonly number[];
    truncate(length: number | readonly number[]): void;
    gather(texts: readonly number[]): Promise<DecoderCache>;
    reorder(texts: readonly number[]): Promise<void>;
    dispose(): void;
    append(layer: number, key: Tensor, value: Tensor): Promise<LayerMemory>;
    advance(counts: readonly number[]): void;
}

export interface DecoderCacheOptions {
    readonly batch?: number;
    readonly capacity?: number;
}

export interface DecoderConfig {
    readonly kind: DecoderKind;
    readonly layers: number;
    readonly width: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly headDim: number;
    readonly hiddenDim: number;
    readonly vocabulary: number;
    readonly positions: number;
    readonly epsilon: number;
    readonly activation: Activation;
    readonly bias: {
        readonly input: boolean;
        readonly output: boolean;
        readonly feedForward: boolean;
    };
    readonly rotary: RotaryOptions | null;
    readonly tied: boolean;
}

export type DecoderKind = 'gpt2' | 'llama' | 'qwen2' | 'qwen3';

export interface DecoderResults {
    readonly logits: Tensor<'float32'>;
    readonly captured: readonly Tensor<'float32'>[];
}

export interface DecoderRunOptions extends RunOptions {
    readonly cache?: DecoderCache | undefined;
    readonly counts?: readonly number[] | undefined;
    readonly logits?: 'last' | 'all' | 'none' | undefined;
    readonly capture?: readonly Capture[] | undefined;
    readonly change?: readonly Change[] | undefined;
}

export interface GGUFFile {
    readonly metadata: Metadata;
    readonly names: readonly string[];
    describe(name: string): {
        readonly type: string;
        readonly shape: readonly number[];
    };
    tensor(name: string): Promise<Tensor<'float32'>>;
}

export interface GenerateOptions extends RunOptions, Pick<DecoderRunOptions, 'capture'> {
    readonly maximum?: number;
    readonly temperature?: number;
    readonly topK?: number;
    readonly topP?: number;
    readonly seed?: number;
    readonly repetitionPenalty?: number;
    readonly stop?: readonly string[];
    readonly ignoreEnd?: boolean;
    readonly alternatives?: number;
    readonly cache?: DecoderCache;
    readonly off?: readonly {
        readonly layer: number;
        readonly heads: readonly number[];
    }[];
}

export interface GeneratedToken extends ScoredToken {
    readonly text: string;
    readonly alternatives: readonly ScoredToken[];
    readonly captured: readonly Tensor<'float32'>[];
    readonly finish: 'end' | 'stop' | 'maximum' | null;
}

export interface HubFiles {
    readonly config: object;
    readonly weights: WeightSource;
}

export type LayerMemory = Readonly<Record<'key' | 'value', ResidentTensor>>;

export type Metadata = Readonly<Record<string, MetadataValue>>;

export type MetadataValue = number | bigint | boolean | string | readonly MetadataValue[];

declare const OF_HEADS: readonly ['weights', 'query', 'key', 'value', 'output'];

declare const OF_LAYERS: readonly ['feedForward', 'residual'];

export interface ScoredToken {
    readonly id: number;
    readonly logProbability: number;
}

export declare class TextTokenizer {
    #private;
    readonly endIds: readonly number[];
    constructor({ json, config, chatTemplate, beginning, endIds }: TokenizerParts);
    encode(text: string): number[];
    decode(ids: readonly number[], options?: {
        readonly special?: boolean;
    }): string;
    token(id: number): string | undefined;
    chat(messages: readonly ChatMessage[]): number[];
}

export interface TokenizerParts {
    readonly json: object;
    readonly config: object;
    readonly chatTemplate?: string | undefined;
    readonly beginning?: readonly number[];
    readonly endIds: readonly number[];
}

export interface WeightSource {
    readonly names: readonly string[];
    tensor(name: string): Promise<Tensor>;
}

export declare function beamSearch(model: Decoder, prompt: readonly number[], options: BeamOptions): Promise<readonly Beam[]>;

export declare function configOfGGUF({ metadata, names, describe }: GGUFFile): DecoderConfig;

export declare function configOfHub(json: object): DecoderConfig;

export declare function generate(model: Decoder, tokenizer: TextTokenizer, prompt: string | readonly number[], options?: GenerateOptions): AsyncGenerator<GeneratedToken, void, void>;

export declare function ggufTokenizer({ metadata }: {
    readonly metadata: Metadata;
}): TextTokenizer;

export declare function hubTokenizer(json: object, config: object): TextTokenizer;

export declare function openGGUF(file: Blob): Promise<GGUFFile>;
