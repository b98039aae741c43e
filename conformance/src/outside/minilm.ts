import type { CaseRequest } from '../case-request.ts';

import type { AgreementCase } from '../case.ts';
import { type CapturedLayer, loadBatchCapture, loadCapture } from './captures.ts';

/** The expected values are rounded once to float32: by half a unit in the last place, and the largest is below 4. */
const ROUNDING = 4 * 2 ** -24;

/** Every layer of every capture as a case. */
export async function minilmCases(): Promise<AgreementCase[]> {
  const names = ['bank-river', 'bank-money', 'passage'] as const;
  const captures = await Promise.all([...names.map((name) => loadCapture(name)), loadBatchCapture()]);
  return captures.flatMap(({ layers }, index) =>
    layers.map((layer) => caseOf(names[index] ?? 'batch', layer)),
  );
}

function caseOf(name: string, captured: CapturedLayer): AgreementCase {
  const { layer, scale, query, key, value, mask, output, logSumExp, weights } = captured;
  const request: CaseRequest = {
    query,
    key,
    value,
    scale,
    ...(mask && { mask }),
    logSumExp: true,
    weights: weights !== undefined,
  };
  return {
    kind: 'agreement',
    id: `minilm/${name}/layer-${layer}`,
    clause: mask ? 'mask' : 'accuracy',
    purpose: 'The queries, keys and values of a trained model give what float64 gives.',
    request: () => structuredClone(request),
    expected: {
      source: 'all-MiniLM-L6-v2, float64 from the captured queries, keys and values',
      tolerance: ROUNDING,
      values: { output, logSumExp, ...(weights && { weights }) },
    },
  };
}
