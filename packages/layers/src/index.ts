export { type Activation, activate, activationGradient } from './activation/activation.ts';
export { AdditiveAttention, type AdditiveAttentionOptions } from './additive-attention.ts';
export type { AttentionScope, ForwardOptions } from './attend.ts';
export { type DropoutOptions, dropout } from './dropout.ts';
export { Embedding, type EmbeddingOptions } from './embedding.ts';
export {
  FeedForward,
  type FeedForwardOnOptions,
  type FeedForwardOptions,
  type FeedForwardResults,
} from './feed-forward.ts';
export type { ForwardOnOptions, ForwardOnResults } from './forward-on.ts';
export {
  HardAttention,
  type HardAttentionOptions,
  type HardAttentionResults,
  type HardForwardOptions,
} from './hard-attention.ts';
export { Linear, type LinearOptions } from './linear.ts';
export { type CrossEntropy, type CrossEntropyOptions, crossEntropy } from './loss/cross-entropy.ts';
export { LuongAttention, type LuongAttentionOptions } from './luong-attention.ts';
export type { LinearGradients } from './matrix/linear.ts';
export { projectionDevice } from './matrix/tile-engine.ts';
export type { CacheOptions, KeyValuePools, PoolOptions } from './multi-head-attention/cache/cache.ts';
export type { KeyValueCache, KeysSoFar } from './multi-head-attention/cache/keys.ts';
export { type PagedStep, pagedStep } from './multi-head-attention/cache/paged-step.ts';
export { MultiHeadAttention } from './multi-head-attention/layer.ts';
export {
  type MultiHeadAttentionGradients,
  type MultiHeadAttentionInputs,
  type MultiHeadAttentionOptions,
  type MultiHeadAttentionResults,
  type MultiHeadForwardOptions,
  type ProjectionBiases,
  type QueryKeyNormOptions,
} from './multi-head-attention/options.ts';
export {
  RelativePositionBias,
  type RelativePositionBiasOptions,
  type RelativePositionLengths,
} from './relative-position-bias.ts';
export { LayerNorm, type LayerNormOptions } from './norm/layer-norm.ts';
export { RMSNorm, type RMSNormOptions } from './norm/rms-norm.ts';
export { type NamedTensors, type ParameterSource, addGradients, collectParameters } from './parameters.ts';
export { seededRandom } from './random.ts';
export { type RotaryFrequencies, rotaryFrequencies } from './rotary/frequencies.ts';
export type { RotaryOptions, RotaryScaling } from './rotary/options.ts';
export { type RotateInputs, rotate } from './rotary/rotate.ts';
export {
  type PlacedTensor,
  type SafetensorsHeader,
  type StoredTensor,
  readSafetensorsHeader,
} from './safetensors/header.ts';
export { type RowRange, type SafetensorsFile, openSafetensors } from './safetensors/open.ts';
export { type Safetensors, readSafetensors } from './safetensors/read.ts';
export { type SafetensorsIndex, openSafetensorsShards } from './safetensors/shards.ts';
export { type WriteSafetensorsOptions, writeSafetensors } from './safetensors/write.ts';
export type { SingleHeadGradients, SingleHeadInputs, SingleHeadResults } from './single-head.ts';
export {
  SpatialAttention,
  type SpatialAttentionGradients,
  type SpatialAttentionInputs,
  type SpatialAttentionOptions,
  type SpatialAttentionResults,
} from './spatial-attention.ts';
export { type StateDict, assignParameters } from './state-dict/copy.ts';
export type { FloatTensorLike } from './tensor-like.ts';
export type { FloatTensor } from './tensors.ts';
export { clipGradients } from './training/clip-gradients.ts';
export {
  Adam,
  type AdamOptions,
  AdamW,
  type AdamWOptions,
  type Optimizer,
  SGD,
  type SGDOptions,
} from './training/optimizers.ts';
export { type Schedule, type ScheduleOptions, cosineSchedule, linearSchedule } from './training/schedules.ts';
export type {
  TransformerBlockForwardOptions,
  TransformerBlockGradients,
  TransformerBlockInputs,
  TransformerBlockOptions,
  TransformerBlockResults,
} from './block/options.ts';
export { TransformerBlock } from './block/transformer-block.ts';
