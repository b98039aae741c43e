import { type Tensor, tensor } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreement, agreements } from '../building/agreement.ts';
import { VARIATIONS } from '../building/variations.ts';
import type { Purposes } from '../building/purposes.ts';

export const dtypePurposes: Purposes = {
  dtype: 'Results have the element type of the problem, and its digits.',
  'dtype/control': 'A float64 problem is computed in float64.',
  'dtype/float64': 'In float64 no step of the output takes a detour through float32.',
  'dtype/float64/all-outputs':
    'In float64 no step of weights, logarithm and statistics takes a detour through float32.',
  'dtype/float64/gradient': 'In float64 no step of a gradient takes a detour through float32.',
  'dtype/float64/huge-queries': 'Finite queries near the largest float64 have finite, right rows.',
  'dtype/float64/gradient/minus-1e12-everywhere':
    'In float64 scores near −1e12 keep their differences in the gradient.',
  'dtype/float64/gradient/plus-1e308-everywhere': 'In float64 the gradient of scores of 1e308 is finite.',
};

/** Everything again in float64: a detour through float32 shows, its error is 2²⁹ times as large. */
export function dtypeCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = { control: { dtype: 'float64', queryLength: 5, keyLength: 9 } };
  for (const [name, sketch] of Object.entries(VARIATIONS)) {
    const all: Sketch = {
      ...sketch,
      dtype: 'float64',
      outputs: ['output', 'weights', 'logSumExp', 'statistics'],
    };
    sketches[`float64/${name}`] = { ...sketch, dtype: 'float64' };
    sketches[`float64/all-outputs/${name}`] = all;
    sketches[`float64/gradient/${name}`] = { ...sketch, dtype: 'float64', gradient: true };
  }
  const small: Sketch = { dtype: 'float64', queryLength: 5, keyLength: 9, headDim: 4 };
  return [
    ...agreements('dtype', sketches),
    agreement('dtype', 'float64/huge-queries', small, hugeQueries),
    // Scores near −1e12, where float32 has steps of 65,536.
    agreement(
      'dtype',
      'float64/gradient/minus-1e12-everywhere',
      { ...small, gradient: true },
      everywhere(-1e12),
    ),
    // Row sums are about 9: a row's maximum times its sum would overflow.
    agreement(
      'dtype',
      'float64/gradient/plus-1e308-everywhere',
      { ...small, gradient: true },
      everywhere(1e308),
    ),
  ];
}

function everywhere(added: number): (request: CaseRequest) => CaseRequest {
  return (request) => ({ ...request, mask: tensor(new Float64Array(9).fill(added), [9]) });
}

/** Finite queries whose numbers add up to infinity, with keys that make scores of size 1. */
function hugeQueries(request: CaseRequest): CaseRequest {
  const query = request.query as Tensor<'float64'>;
  const key = request.key as Tensor<'float64'>;
  return {
    ...request,
    query: { ...query, data: query.data.map(() => 1e308) },
    key: { ...key, data: key.data.map((number) => number * 1e-308) },
  };
}
