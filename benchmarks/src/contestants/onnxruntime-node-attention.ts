import type { Contestant } from '../contestant.ts';
import { attention23 } from './onnxruntime.ts';
import { onnxruntimeNode } from './onnxruntime-node.ts';

/** The standard's operator. */
const contestant: Contestant = onnxruntimeNode('onnxruntime-node Attention', attention23);
export default contestant;
