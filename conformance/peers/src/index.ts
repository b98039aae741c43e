export {
  type OnnxAttributes,
  type OnnxOperator,
  type OnnxType,
  type OnnxValue,
  onnxModel,
} from './onnx/onnx-model.ts';
export { fromRows, toRows } from './onnx/rows.ts';
export { type OpenPeer, type Peer, type PeerDefinition, definePeer } from './peer.ts';
export { type LineProcess, startLineProcess } from './python/line-process.ts';
