import { type AttentionRequest, type Tensor, tensor } from '@heed/core';
import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreement, agreements } from '../building/agreement.ts';

/** Each cause of an empty row, alone. */
export const EMPTY_ROWS: Readonly<Record<string, Sketch>> = {
  'no-keys': { keyLength: 0 },
  'no-keys-by-length': { keyLengths: [0, 3] },
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
function maskRow(kind: 'boolean' | 'float' | 'bias'): (request: AttentionRequest) => AttentionRequest {
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
