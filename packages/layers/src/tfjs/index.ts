export { type AttentionOpOptions, attentionOp } from './attention-op.ts';
export { MultiHeadAttentionLayer, type MultiHeadAttentionLayerConfig } from './multi-head-attention-layer.ts';
