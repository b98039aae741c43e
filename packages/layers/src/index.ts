export { AdditiveAttention, type AdditiveAttentionOptions } from './additive-attention.ts';
export type { AttentionScope, ForwardOptions } from './attend.ts';
export {
  HardAttention,
  type HardAttentionOptions,
  type HardAttentionResults,
  type HardForwardOptions,
} from './hard-attention.ts';
export { Linear, type LinearGradients, type LinearOptions } from './linear.ts';
export { LuongAttention, type LuongAttentionOptions } from './luong-attention.ts';
export { projectionDevice } from './matrix/tile-engine.ts';
export {
  MultiHeadAttention,
  type MultiHeadAttentionGradients,
  type MultiHeadAttentionInputs,
  type MultiHeadAttentionOptions,
  type MultiHeadAttentionResults,
} from './multi-head-attention.ts';
export { Adam, type AdamOptions, type Optimizer, SGD, type SGDOptions } from './optimizers.ts';
export type { NamedTensors } from './parameters.ts';
export { seededRandom } from './random.ts';
export type { RotaryOptions } from './rotary.ts';
export {
  type RowRange,
  type SafetensorsFile,
  type StoredTensor,
  openSafetensors,
} from './safetensors/open.ts';
export { type Safetensors, readSafetensors } from './safetensors/read.ts';
export type { SingleHeadGradients, SingleHeadInputs, SingleHeadResults } from './single-head.ts';
export {
  SpatialAttention,
  type SpatialAttentionGradients,
  type SpatialAttentionInputs,
  type SpatialAttentionOptions,
  type SpatialAttentionResults,
} from './spatial-attention.ts';
export type { StateDict } from './state-dict.ts';
export type { FloatTensorLike } from './tensor-like.ts';
export type { FloatTensor } from './tensors.ts';
