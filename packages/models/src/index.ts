export type { DecoderConfig, DecoderKind } from './config/decoder-config.ts';
export { configOfGGUF } from './config/gguf.ts';
export { configOfHub } from './config/hub.ts';
export type { DecoderCache, DecoderCacheOptions } from './decoder/cache.ts';
export { Decoder, type DecoderResults, type DecoderRunOptions, type HubFiles } from './decoder/decoder.ts';
export type { DecoderCacheType } from './decoder/memory.ts';
export type { DecoderPages, DecoderPagesOptions } from './decoder/pages.ts';
export type { TextResults, TextTokens } from './decoder/texts.ts';
export { DecoderBatch } from './generate/batch.ts';
export { type Beam, type BeamOptions, beamSearch } from './generate/beams.ts';
export {
  type GenerateOptions,
  type GeneratedToken,
  type ScoredToken,
  generate,
} from './generate/generate.ts';
export type { Metadata, MetadataValue } from './gguf/header.ts';
export { type GGUFFile, openGGUF } from './gguf/open.ts';
export type { Capture, Change } from './inside/hooks.ts';
export type { ChatMessage } from './tokenizer/chat.ts';
export { ggufTokenizer } from './tokenizer/gguf.ts';
export { hubTokenizer } from './tokenizer/hub.ts';
export type { TextTokenizer } from './tokenizer/tokenizer.ts';
export type { WeightSource } from './weights/source.ts';
export { readWav } from './audio/wav.ts';
export type { Sound } from './audio/sound.ts';
export type { WhisperCapture } from './whisper/captures.ts';
export type { AlignmentHead, WhisperConfig, WhisperSide, WhisperTokens } from './whisper/config.ts';
export type { Transcript, TranscriptSegment } from './whisper/transcript.ts';
export {
  type TranscribeOptions,
  Whisper,
  type WhisperFiles,
  type WhisperResults,
  type WhisperRunOptions,
} from './whisper/whisper.ts';
export type { TimedWord } from './whisper/words/times.ts';
export type { EncoderShape } from './encoder/block.ts';
export type { VisionConfig } from './vit/config.ts';
export { IMAGENET, type Picture, type PixelScale } from './vit/picture.ts';
export { SaliencyHead } from './vit/saliency.ts';
export { type VisionResults, type VisionRunOptions, VisionTransformer } from './vit/vision-transformer.ts';
export type { EncoderConfig } from './bert/config.ts';
export { Encoder, type EncoderResults, type EncoderRunOptions } from './bert/encoder.ts';
export { sentenceEmbeddings } from './bert/sentences.ts';
