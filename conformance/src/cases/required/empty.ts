import { type Tensor, tensor } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreement, agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const emptyPurposes: Purposes = {
  empty: 'A row that may attend to nothing has output 0, whatever the cause: never NaN.',
  'empty/no-keys-by-length': 'A key length of 0 leaves rows that are 0.',
  'empty/past-the-query-length': 'Rows past the query length are 0.',
  'empty/before-the-first-key': 'Causal rows that stand before the first key are 0.',
  'empty/past-the-last-key': 'Rows whose window ends before the first key, or begins after the last, are 0.',
  'empty/far-from-all-keys': 'Rows whose window is far from all keys are 0.',
  'empty/foreign-segment': 'Rows without a key of their segment are 0.',
  'empty/boolean-mask': 'A row of false is 0, and the rows beside it are as ever.',
  'empty/float-mask': 'A row of −∞ in a float mask is 0, and the rows beside it are as ever.',
  'empty/bias': 'A row of −∞ in a bias is 0, and the rows beside it are as ever.',
  'empty/every-row': 'A mask that excludes everything gives 0 everywhere.',
  'empty/softcap': 'An excluded row is 0 with a softcap, too.',
  'empty/across-tiles': 'Empty rows that fill whole tiles are 0.',
  'empty/all-outputs': 'An empty row has weights 0, logSumExp and rowMax −∞ and rowSum 0, exactly.',
  'empty/gradient': 'Every gradient of an empty row is 0, exactly.',
};

/** Each cause of an empty row, alone. */
export const EMPTY_ROWS: Readonly<Record<string, Sketch>> = {
  'no-keys': { keyLength: 0 },
  'no-keys-by-length': { keyLengths: [0, 3] },
  'no-keys-by-start': { keyStarts: [7, 3] },
  'start-past-the-length': { keyStarts: [5, 2], keyLengths: [3, 6] },
  'past-the-query-length': { queryLengths: [4, 0] },
  'before-the-first-key/causal': { causal: true, alignment: { offset: -3 } },
  'before-the-first-key/bottom-right': {
    causal: true,
    queryLength: 9,
    keyLength: 4,
    alignment: 'bottomRight',
  },
  'past-the-last-key/window': {
    window: { left: 2, right: 0 },
    queryLength: 9,
    keyLength: 3,
    alignment: 'topLeft',
  },
  'far-from-all-keys/window': { window: { left: 1, right: 1 }, alignment: { offset: [100, -100] } },
  'foreign-segment': { segments: 'scattered', keyLength: 2, queryLength: 9 },
};

/** Row 2 of every head may attend to nothing. */
function maskRow(kind: 'boolean' | 'float' | 'bias'): (request: CaseRequest) => CaseRequest {
  return (request) => {
    const allowed = kind === 'boolean' ? 1 : 0.5;
    const data = kind === 'boolean' ? new Uint8Array(49) : new Float32Array(49);
    data.fill(allowed).fill(kind === 'boolean' ? 0 : -Infinity, 14, 21);
    const row: Tensor = tensor(data as Float32Array, [7, 7]);
    return kind === 'bias' ? { ...request, bias: row } : { ...request, mask: row };
  };
}

export function emptyCases(): ConformanceCase[] {
  const all: Sketch = { outputs: ['output', 'weights', 'logSumExp', 'statistics'] };
  return [
    ...agreements('empty', EMPTY_ROWS),
    agreement('empty', 'boolean-mask', {}, maskRow('boolean')),
    agreement('empty', 'float-mask', {}, maskRow('float')),
    agreement('empty', 'bias', {}, maskRow('bias')),
    agreement('empty', 'every-row', { mask: { kind: 'boolean', shape: [7, 7] } }, (request) => ({
      ...request,
      mask: tensor(new Uint8Array(1), [1, 1]),
    })),
    agreement('empty', 'softcap', { softcap: 2 }, maskRow('boolean')),
    agreement('empty', 'across-tiles', { batch: 1, queryLength: 66, keyLength: 40, queryLengths: [33] }),
    ...Object.entries(EMPTY_ROWS).map(([name, sketch]) =>
      agreement('empty', `all-outputs/${name}`, { ...sketch, ...all }),
    ),
    agreement('empty', 'all-outputs/boolean-mask', all, maskRow('boolean')),
    agreement('empty', 'all-outputs/bias', all, maskRow('bias')),
    ...Object.entries(EMPTY_ROWS).map(([name, sketch]) =>
      agreement('empty', `gradient/${name}`, { ...sketch, gradient: true }),
    ),
    agreement('empty', 'gradient/boolean-mask', { gradient: true }, maskRow('boolean')),
    agreement('empty', 'gradient/bias', { gradient: true }, maskRow('bias')),
  ];
}
