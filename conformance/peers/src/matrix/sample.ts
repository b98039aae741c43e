/** torch.compile calls a C++ compiler for each problem: one case for each thing that a peer translates. */
const COMPILED: readonly string[] = [
  'shape/control',
  'gqa/control',
  'mask/boolean/control',
  'mask/float/control',
  'causal/control',
  'window/left-1/causal',
  'segments/control',
  'alibi/control',
  'softcap/control',
  'empty/boolean-mask',
  'dtype/float16/output/plain',
];

/** Ids of the cases that judge a peer which takes too long for the whole suite; null for all others. */
export function sampleOf(peer: string): readonly string[] | null {
  return peer === 'torch-flex-compiled' ? COMPILED : null;
}
