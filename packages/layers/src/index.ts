export { type Activation, activate, activationGradient } from './activation/activation.ts';
export { AdditiveAttention, type AdditiveAttentionOptions } from './additive-attention.ts';
export type { AttentionScope, ForwardOptions } from './attend.ts';
export { type DropoutOptions, dropout } from './dropout.ts';
export { Embedding, type EmbeddingOptions } from './embedding.ts';
export { FeedForward, type FeedForwardOptions, type FeedForwardResults } from './feed-forward.ts';
export {
  HardAttention,
  type HardAttentionOptions,
  type HardAttentionResults,
  type HardForwardOptions,
} from './hard-attention.ts';
export { Linear, type LinearGradients, type LinearOptions } from './linear.ts';
export { type CrossEntropy, type CrossEntropyOptions, crossEntropy } from './loss/cross-entropy.ts';
export { LuongAttention, type LuongAttentionOptions } from './luong-attention.ts';
export { projectionDevice } from './matrix/tile-engine.ts';
export {
  MultiHeadAttention,
  type MultiHeadAttentionGradients,
  type MultiHeadAttentionInputs,
  type MultiHeadAttentionOptions,
  type MultiHeadAttentionResults,
} from './multi-head-attention.ts';
export { LayerNorm, type LayerNormOptions } from './norm/layer-norm.ts';
export { RMSNorm, type RMSNormOptions } from './norm/rms-norm.ts';
export { type NamedTensors, type ParameterSource, addGradients, collectParameters } from './parameters.ts';
export { seededRandom } from './random.ts';
export type { RotaryOptions } from './rotary.ts';
export {
  type RowRange,
  type SafetensorsFile,
  type StoredTensor,
  openSafetensors,
} from './safetensors/open.ts';
export { type Safetensors, readSafetensors } from './safetensors/read.ts';
export { type WriteSafetensorsOptions, writeSafetensors } from './safetensors/write.ts';
export type { SingleHeadGradients, SingleHeadInputs, SingleHeadResults } from './single-head.ts';
export {
  SpatialAttention,
  type SpatialAttentionGradients,
  type SpatialAttentionInputs,
  type SpatialAttentionOptions,
  type SpatialAttentionResults,
} from './spatial-attention.ts';
export type { StateDict } from './state-dict/copy.ts';
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
