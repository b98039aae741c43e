export { type AttentionOpOptions, type TensorFlow, attentionOp } from './attention-op.ts';
export {
  type MultiHeadAttentionLayer,
  type MultiHeadAttentionLayerClass,
  type MultiHeadAttentionLayerConfig,
  multiHeadAttentionLayer,
} from './multi-head-attention-layer.ts';
