import type { Contestant } from '../contestant.ts';
import { multiHeadAttention } from './onnxruntime.ts';
import { onnxruntimeNode } from './onnxruntime-node.ts';

/** The operator that ONNX Runtime fuses attention into, with a kernel of the flash kind on CPUs. */
const contestant: Contestant = onnxruntimeNode('onnxruntime-node MultiHeadAttention', multiHeadAttention);
export default contestant;
