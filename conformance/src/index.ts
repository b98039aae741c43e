export type * from './case.ts';
export {
  type BatchCapture,
  type Capture,
  type CaptureName,
  type CapturedBlock,
  type CapturedEmbeddings,
  type CapturedLayer,
  type CapturedLinear,
  loadBatchCapture,
  loadCapture,
  loadCapturedBlock,
  loadCapturedEmbeddings,
} from './outside/captures.ts';
