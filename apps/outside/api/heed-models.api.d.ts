// exports
//   AlignmentHead
//   Beam
//   BeamOptions
//   Capture
//   Change
//   ChatMessage
//   Decoder
//   DecoderBatch
//   DecoderCache
//   DecoderCacheOptions
//   DecoderCacheType
//   DecoderConfig
//   DecoderKind
//   DecoderPages
//   DecoderPagesOptions
//   DecoderResults
//   DecoderRunOptions
//   Encoder
//   EncoderConfig
//   EncoderResults
//   EncoderRunOptions
//   EncoderShape
//   GGUFFile
//   GenerateOptions
//   GeneratedToken
//   HubFiles
//   IMAGENET
//   Metadata
//   MetadataValue
//   Picture
//   PixelScale
//   SaliencyHead
//   ScoredToken
//   Sound
//   TextResults
//   TextTokenizer
//   TextTokens
//   TimedWord
//   TranscribeOptions
//   Transcript
//   TranscriptSegment
//   VisionConfig
//   VisionResults
//   VisionRunOptions
//   VisionTransformer
//   WeightSource
//   Whisper
//   WhisperCapture
//   WhisperConfig
//   WhisperFiles
//   WhisperResults
//   WhisperRunOptions
//   WhisperSide
//   WhisperTokens
//   beamSearch
//   configOfGGUF
//   configOfHub
//   generate
//   ggufTokenizer
//   hubTokenizer
//   openGGUF
//   readWav
//   sentenceEmbeddings

export type AlignmentHead = readonly [layer: number, head: number];

export interface Beam {
    readonly ids: readonly number[];
    readonly logProbability: number;
    readonly score: number;
}

export interface BeamOptions extends RunOptions {
    readonly beams: number;
    readonly maximum: number;
    readonly endIds?: readonly number[] | undefined;
    readonly lengthPenalty?: number | undefined;
}

export declare const CACHE_TYPES: readonly ['float32', 'float16', 'bfloat16', 'int8', 'int4x2'];

export type Capture = {
    readonly layer: number;
    readonly heads?: readonly number[] | undefined;
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
    readonly role: (typeof ROLES)[number];
    readonly content: string;
}

export declare class Decoder {
    #private;
    readonly config: DecoderConfig;
    private constructor();
    static load(backend: AttentionBackend, files: GGUFFile | HubFiles): Promise<Decoder>;
    on(backend: AttentionBackend): Decoder;
    cache(options?: DecoderCacheOptions): Promise<DecoderCache>;
    pages(options: DecoderPagesOptions): Promise<DecoderPages>;
    step(pages: DecoderPages, texts: readonly TextTokens[], { signal, ...others }?: RunOptions): Promise<readonly TextResults[]>;
    run(ids: PlainTensorLike, options?: DecoderRunOptions): Promise<DecoderResults>;
    logits(residual: FloatTensorLike, { signal }?: RunOptions): Promise<Tensor<'float32'>>;
    likelihoods(ids: readonly number[], options?: Pick<DecoderRunOptions, 'change' | 'signal'>): Promise<Float64Array>;
}

export declare class DecoderBatch {
    #private;
    readonly model: Decoder;
    private constructor();
    static create(model: Decoder, options: DecoderPagesOptions): Promise<DecoderBatch>;
    get running(): number;
    get waiting(): number;
    get capacity(): number;
    dispose(): void;
}

export interface DecoderCache {
    readonly batch: number;
    readonly capacity: number;
    readonly type: DecoderCacheType;
    readonly lengths: readonly number[];
    truncate(length: number | readonly number[]): void;
    gather(texts: readonly number[]): Promise<DecoderCache>;
    reorder(texts: readonly number[]): Promise<void>;
    dispose(): void;
}

export interface DecoderCacheOptions {
    readonly batch?: number | undefined;
    readonly capacity?: number | undefined;
    readonly type?: DecoderCacheType | undefined;
}

export type DecoderCacheType = (typeof CACHE_TYPES)[number];

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

export interface DecoderPages {
    readonly pages: number;
    readonly pageSize: number;
    readonly capacity: number;
    readonly type: DecoderCacheType;
    readonly free: number;
    open(ids?: readonly number[]): number;
    fork(text: number): number;
    lengthOf(text: number): number;
    truncate(text: number, length: number): void;
    close(text: number): void;
    dispose(): void;
}

export interface DecoderPagesOptions {
    readonly pages: number;
    readonly pageSize?: number | undefined;
    readonly capacity?: number | undefined;
    readonly type?: DecoderCacheType | undefined;
}

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

export declare class Encoder {
    #private;
    readonly config: EncoderConfig;
    private constructor();
    static load(backend: AttentionBackend, files: HubFiles): Promise<Encoder>;
    on(backend: AttentionBackend): Encoder;
    run(ids: PlainTensorLike, options?: EncoderRunOptions): Promise<EncoderResults>;
}

export interface EncoderConfig extends EncoderShape {
    readonly kind: 'bert' | 'roberta';
    readonly vocabulary: number;
    readonly positions: number;
    readonly firstPosition: number;
    readonly types: number;
    readonly paddingId: number;
}

export interface EncoderResults {
    readonly tokens: Tensor<'float32'>;
    readonly captured: readonly Tensor<'float32'>[];
}

export interface EncoderRunOptions extends RunOptions {
    readonly counts?: readonly number[] | undefined;
    readonly types?: PlainTensorLike | undefined;
    readonly capture?: readonly Capture[] | undefined;
    readonly change?: readonly Change[] | undefined;
}

export interface EncoderShape {
    readonly layers: number;
    readonly width: number;
    readonly heads: number;
    readonly headDim: number;
    readonly hiddenDim: number;
    readonly epsilon: number;
    readonly activation: Activation;
    readonly normFirst: boolean;
}

export interface GGUFFile {
    readonly metadata: Metadata;
    readonly names: readonly string[];
    describe(name: string): {
        readonly type: string;
        readonly shape: readonly number[];
    };
    tensor(name: string): Promise<Tensor<'float32'>>;
    stored(name: string): Promise<Tensor<'float32'> | StoredWeight>;
}

export interface GenerateOptions extends RunOptions, Pick<DecoderRunOptions, 'capture'> {
    readonly maximum?: number | undefined;
    readonly temperature?: number | undefined;
    readonly topK?: number | undefined;
    readonly topP?: number | undefined;
    readonly seed?: number | undefined;
    readonly repetitionPenalty?: number | undefined;
    readonly stop?: readonly string[] | undefined;
    readonly ignoreEnd?: boolean | undefined;
    readonly alternatives?: number | undefined;
    readonly cache?: DecoderCache | undefined;
    readonly batch?: DecoderBatch | undefined;
    readonly off?: readonly {
        readonly layer: number;
        readonly heads: readonly number[];
    }[] | undefined;
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

export declare const IMAGENET: PixelScale;

export type Metadata = Readonly<Record<string, MetadataValue>>;

export type MetadataValue = number | bigint | boolean | string | readonly MetadataValue[];

declare const OF_HEADS: readonly ['weights', 'query', 'key', 'value', 'output'];

declare const OF_LAYERS: readonly ['feedForward', 'residual'];

export interface Picture {
    readonly width: number;
    readonly height: number;
    readonly data: Uint8Array | Uint8ClampedArray;
}

export interface PixelScale {
    readonly mean: readonly [number, number, number];
    readonly deviation: readonly [number, number, number];
}

declare const ROLES: readonly ['system', 'user', 'assistant'];

export declare class SaliencyHead {
    #private;
    private constructor();
    static load(weights: WeightSource): Promise<SaliencyHead>;
    run(backend: AttentionBackend, { tokens, grid: [rows, columns] }: VisionResults, [height, width]: readonly [height: number, width: number], options?: RunOptions): Promise<Tensor<'float32'>>;
}

export interface ScoredToken {
    readonly id: number;
    readonly logProbability: number;
}

export interface Sound {
    readonly samples: Float32Array;
    readonly sampleRate: number;
}

export interface TextResults {
    readonly logits: Tensor<'float32'>;
    readonly captured: readonly Tensor<'float32'>[];
}

export declare class TextTokenizer {
    #private;
    readonly endIds: readonly number[];
    constructor({ json, config, chatTemplate, beginning, end, endIds }: TokenizerParts);
    encode(text: string): number[];
    decode(ids: readonly number[], options?: {
        readonly special?: boolean | undefined;
    }): string;
    token(id: number): string | undefined;
    chat(messages: readonly ChatMessage[]): number[];
}

export interface TextTokens {
    readonly text: number;
    readonly ids: readonly number[];
    readonly logits?: 'last' | 'all' | 'none' | undefined;
    readonly capture?: readonly Capture[] | undefined;
}

export interface TimedWord {
    readonly text: string;
    readonly start: number;
    readonly end: number;
    readonly probability: number;
}

export interface TokenizerParts {
    readonly json: object;
    readonly config: object;
    readonly chatTemplate?: string | undefined;
    readonly beginning?: readonly number[] | undefined;
    readonly endIds?: readonly number[] | undefined;
    readonly end?: string | undefined;
}

export interface TranscribeOptions extends RunOptions {
    readonly words?: boolean | undefined;
    readonly language?: string | undefined;
    readonly task?: 'transcribe' | 'translate' | undefined;
    readonly noSpeechThreshold?: number | undefined;
    readonly logProbabilityThreshold?: number | undefined;
}

export interface Transcript {
    readonly text: string;
    readonly segments: readonly TranscriptSegment[];
}

export interface TranscriptSegment {
    readonly start: number;
    readonly end: number;
    readonly text: string;
    readonly ids: readonly number[];
    readonly logProbability: number;
    readonly noSpeechProbability: number;
    readonly words: readonly TimedWord[];
}

export interface VisionConfig extends EncoderShape {
    readonly kind: 'vit' | 'dinov2';
    readonly patchSize: number;
    readonly grid: readonly [rows: number, columns: number];
}

export interface VisionResults {
    readonly tokens: Tensor<'float32'>;
    readonly grid: readonly [rows: number, columns: number];
    readonly captured: readonly Tensor<'float32'>[];
}

export interface VisionRunOptions extends RunOptions {
    readonly pixels?: PixelScale | undefined;
    readonly capture?: readonly Capture[] | undefined;
    readonly change?: readonly Change[] | undefined;
}

export declare class VisionTransformer {
    #private;
    readonly config: VisionConfig;
    private constructor();
    static load(backend: AttentionBackend, files: HubFiles): Promise<VisionTransformer>;
    on(backend: AttentionBackend): VisionTransformer;
    run(picture: Picture, options?: VisionRunOptions): Promise<VisionResults>;
}

export interface WeightSource {
    readonly names: readonly string[];
    tensor(name: string): Promise<Tensor | StoredWeight>;
    stored?(name: string): Promise<Tensor | StoredWeight>;
}

export declare class Whisper {
    #private;
    readonly config: WhisperConfig;
    private constructor();
    static load(backend: AttentionBackend, files: WhisperFiles): Promise<Whisper>;
    on(backend: AttentionBackend): Whisper;
    transcribe(sound: Sound, tokenizer: TextTokenizer, options?: TranscribeOptions): Promise<Transcript>;
    segments(sound: Sound, tokenizer: TextTokenizer, options?: TranscribeOptions): AsyncGenerator<TranscriptSegment, void, void>;
    run(sound: Sound, ids: readonly number[], options?: WhisperRunOptions): Promise<WhisperResults>;
}

export interface WhisperCapture {
    readonly layer: number;
    readonly heads?: readonly number[] | undefined;
    readonly what: 'weights' | 'crossWeights';
}

export interface WhisperConfig {
    readonly width: number;
    readonly encoder: WhisperSide;
    readonly decoder: WhisperSide;
    readonly activation: Activation;
    readonly melBins: number;
    readonly sourcePositions: number;
    readonly targetPositions: number;
    readonly vocabulary: number;
    readonly tokens: WhisperTokens;
    readonly alignmentHeads: readonly AlignmentHead[];
    readonly maximumInitialTimestamp: number | null;
}

export interface WhisperFiles {
    readonly config: object;
    readonly generation: object;
    readonly weights: WeightSource;
}

export interface WhisperResults {
    readonly logits: Tensor<'float32'>;
    readonly captured: readonly Tensor<'float32'>[];
    readonly encoderCaptured: readonly Tensor<'float32'>[];
}

export interface WhisperRunOptions extends RunOptions {
    readonly capture?: readonly WhisperCapture[] | undefined;
    readonly encoderCapture?: readonly Capture[] | undefined;
    readonly encoderChange?: readonly Change[] | undefined;
}

export interface WhisperSide {
    readonly layers: number;
    readonly heads: number;
    readonly hiddenDim: number;
}

export interface WhisperTokens {
    readonly start: number;
    readonly end: number;
    readonly noTimestamps: number;
    readonly firstTimestamp: number;
    readonly noSpeech: number;
    readonly suppressed: readonly number[];
    readonly suppressedFirst: readonly number[];
    readonly languages: Readonly<Record<string, number>> | null;
    readonly tasks: Readonly<Record<string, number>> | null;
}

export declare function beamSearch(model: Decoder, prompt: readonly number[], options: BeamOptions): Promise<readonly Beam[]>;

export declare function configOfGGUF(file: GGUFFile): DecoderConfig;

export declare function configOfHub(json: object): DecoderConfig;

export declare function generate(model: Decoder, tokenizer: TextTokenizer, prompt: string | readonly number[], options?: GenerateOptions): AsyncGenerator<GeneratedToken, void, void>;

export declare function ggufTokenizer(file: {
    readonly metadata: Metadata;
}): TextTokenizer;

export declare function hubTokenizer(json: object, config: object): TextTokenizer;

export declare function openGGUF(file: Blob): Promise<GGUFFile>;

export declare function readWav(bytes: Uint8Array): Sound;

export declare function sentenceEmbeddings(encoder: Encoder, tokenizer: TextTokenizer, texts: readonly string[], options?: RunOptions): Promise<Tensor<'float32'>>;
