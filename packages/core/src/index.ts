export { type AttendedBy, type GradientOf, type GradientOptions, attention } from './attention.ts';
export { checkContract } from './assert-backend.ts';
export {
  type AttentionBackend,
  type AttentionKernel,
  type Availability,
  type BackendProvider,
  CONTRACT_VERSION,
  type Capabilities,
  type Plan,
  type Support,
} from './contract.ts';
export { HeedError, type HeedErrorCode, type HeedErrorDetails, type HeedErrorJSON } from './error.ts';
export {
  CACHE_FEATURES,
  FEATURES,
  type Feature,
  GUARANTEES,
  type Guarantee,
  OPERATIONS,
  type Operation,
} from './features.ts';
export type { Activation } from './linear/activation.ts';
export type {
  LinearForward,
  LinearGradients,
  LinearInputs,
  LinearKernel,
  LinearOperation,
  LinearParameters,
  LinearProblem,
  LinearResults,
  PackedWeights,
} from './linear/contract.ts';
export type {
  ElementDropoutForward,
  ElementDropoutGradientNames,
  ElementDropoutInputs,
  ElementDropoutKernel,
  ElementDropoutOperation,
  ElementDropoutProblem,
  ElementDropoutSeed,
} from './operations/element-dropout/contract.ts';
export type {
  EmbeddingForward,
  EmbeddingGradientNames,
  EmbeddingIndices,
  EmbeddingInputs,
  EmbeddingKernel,
  EmbeddingOperation,
  EmbeddingProblem,
} from './operations/embedding/contract.ts';
export type { OperationKernel, OperationResults, Tensors } from './operations/contract.ts';
export type {
  NormForward,
  NormGradientNames,
  NormInputs,
  NormKernel,
  NormOperation,
  NormProblem,
} from './operations/norm/contract.ts';
export type {
  RotaryForward,
  RotaryGradientNames,
  RotaryInputs,
  RotaryKernel,
  RotaryOperation,
  RotaryProblem,
  RotaryTables,
} from './operations/rotary/contract.ts';
export type { BlockType, BlockWeight, StoredType, StoredWeight, WeightType } from './linear/stored.ts';
export { cast } from './float16.ts';
export {
  type Appended,
  type PageCopy,
  PagedCache,
  type PagedCacheOptions,
  type PagedCacheState,
  type PagedSequence,
  copyPages,
} from './paged-cache.ts';
export { type Quantized, dequantize, quantize } from './quantize.ts';
export { type Skipped, firstAvailable } from './first-available.ts';
export type { AttentionInputs, GradientInputs, Origin, Statistics } from './inputs.ts';
export { type AttentionPart, type MergedAttention, mergeAttention } from './merge/attention.ts';
export {
  type GradientPart,
  type MergedGradients,
  type MergeGradientsOptions,
  mergeGradients,
} from './merge/gradients.ts';
export type {
  AlignmentKind,
  AttentionProblem,
  BroadcastShape,
  CacheType,
  Layout,
  OutputName,
  Selection,
} from './problem.ts';
export { type AttentionRequest, type RequestedResults, resolveRequest } from './request.ts';
export type { RunOptions } from './run-options.ts';
export type { AttentionGradients, AttentionResults, OutputsByName } from './results.ts';
export type { DTypeOf, FloatDTypeOf, TensorLike } from './tensor-like.ts';
export { withOptions } from './with-options.ts';
export {
  type ArrayWithShape,
  type ComputeDType,
  type DType,
  type Float16ArrayLike,
  type FloatDType,
  type HalfDType,
  type NestedArray,
  type NumberArray,
  type PerBatch,
  type PlainTensorLike,
  type QuantizedDType,
  type ResidentTensor,
  type SlotPosition,
  type Tensor,
  isResident,
  tensor,
} from './tensor.ts';
