/** Every peer, in the order of the matrix. Each is a module in `providers` and a list in `expected`. */
export const PEER_NAMES = [
  'torch-sdpa',
  'torch-multihead',
  'torch-flex',
  'keras-multihead',
  'onnx-reference',
  'onnx-reference-previous',
  'onnxruntime',
  'onnxruntime-previous',
  'onnxruntime-node',
  'onnxruntime-multihead',
  'onnxruntime-web',
  'jax',
  'jax-previous',
  'jax-js',
  'tfjs-cpu',
  'tfjs-wasm',
] as const;
