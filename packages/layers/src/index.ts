export type { AttentionScope, ForwardOptions } from './attend.ts';
export { Linear, type LinearGradients, type LinearOptions } from './linear.ts';
export {
  MultiHeadAttention,
  type MultiHeadAttentionGradients,
  type MultiHeadAttentionInputs,
  type MultiHeadAttentionOptions,
  type MultiHeadAttentionResults,
} from './multi-head-attention.ts';
export type { NamedTensors } from './parameters.ts';
export { seededRandom } from './random.ts';
export type { RotaryOptions } from './rotary.ts';
export { type Safetensors, readSafetensors } from './safetensors.ts';
export type { StateDict } from './state-dict.ts';
export type { FloatTensor } from './tensors.ts';
