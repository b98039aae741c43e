import { allCases } from '@heed/conformance';
import { expectedList } from '../expected/expected-list.ts';

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
export async function sampleOf(peer: string): Promise<readonly string[] | null> {
  if (peer === 'torch-flex-compiled') return COMPILED;
  if (peer !== 'torch-flex') return null;
  // Without torch.compile, each problem is traced anew, too: every third case, and all that it fails.
  const listed = new Set(expectedList(peer).flatMap(({ cases }) => cases));
  return (await allCases()).map(({ id }) => id).filter((id, n) => n % 3 === 0 || listed.has(id));
}
