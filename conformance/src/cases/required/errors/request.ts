import { type HeedErrorCode, type Tensor, attention, tensor } from '@heed/core';
import type { CaseRequest } from '../../../case-request.ts';
import type { ConformanceCase } from '../../../case.ts';
import { type Sketch, requestOf } from '../../../sketch.ts';
import { behavior, ensureError } from '../../building/behavior.ts';

/** A request that is right until `spoil` has changed it. */
interface Mistake {
  readonly code: HeedErrorCode;
  readonly sketch?: Sketch;
  spoil(request: CaseRequest): object;
}

const floats = (...shape: number[]): Tensor =>
  tensor(new Float32Array(shape.reduce((size, length) => size * length, 1)), shape);

const MISTAKES: Readonly<Record<string, Mistake>> = {
  'query/missing': { code: 'MISSING_INPUT', spoil: () => ({ query: undefined }) },
  'value/missing': { code: 'MISSING_INPUT', spoil: () => ({ value: undefined }) },
  'query/rank-3': { code: 'SHAPE', spoil: () => ({ query: floats(2, 7, 8) }) },
  'query/no-tensor': { code: 'SHAPE', spoil: () => ({ query: [1, 2, 3] }) },
  'query/int32': { code: 'DTYPE', spoil: () => ({ query: tensor(new Int32Array(224), [2, 2, 7, 8]) }) },
  'query/data-too-short': {
    code: 'SHAPE',
    spoil: ({ query }) => ({ query: { ...query, data: new Float32Array(10) } }),
  },
  'query/dtype-against-data': {
    code: 'DTYPE',
    spoil: ({ query }) => ({ query: { ...query, dtype: 'float64' } }),
  },
  'key/other-head-size': { code: 'SHAPE', spoil: () => ({ key: floats(2, 2, 7, 9) }) },
  'key/other-batch': { code: 'SHAPE', spoil: () => ({ key: floats(3, 2, 7, 8) }) },
  'key/float64-beside-float32': {
    code: 'DTYPE',
    spoil: () => ({ key: tensor(new Float64Array(224), [2, 2, 7, 8]) }),
  },
  'value/other-length': { code: 'SHAPE', spoil: () => ({ value: floats(2, 2, 6, 8) }) },
  'heads/no-multiple': {
    code: 'SHAPE',
    sketch: { heads: 3 },
    spoil: () => ({ key: floats(2, 2, 7, 8), value: floats(2, 2, 7, 8) }),
  },
  'option/unknown': { code: 'UNKNOWN_OPTION', spoil: () => ({ casual: true }) },
  'option/of-another-library': { code: 'UNKNOWN_OPTION', spoil: () => ({ is_causal: true }) },
  'window/unknown-side': { code: 'UNKNOWN_OPTION', spoil: () => ({ window: { letf: 1 } }) },
  'alignment/unknown-member': {
    code: 'UNKNOWN_OPTION',
    spoil: () => ({ causal: true, alignment: { offset: 0, offsets: [1] } }),
  },
  'scale/nan': { code: 'ARGUMENT', spoil: () => ({ scale: NaN }) },
  'scale/infinite': { code: 'ARGUMENT', spoil: () => ({ scale: Infinity }) },
  'softcap/0': { code: 'ARGUMENT', spoil: () => ({ softcap: 0 }) },
  'softcap/negative': { code: 'ARGUMENT', spoil: () => ({ softcap: -1 }) },
  'window/negative': { code: 'ARGUMENT', spoil: () => ({ window: { left: -1 } }) },
  'window/fraction': { code: 'ARGUMENT', spoil: () => ({ window: { right: 1.5 } }) },
  'layout/unknown': { code: 'ARGUMENT', spoil: () => ({ layout: 'lbhd' }) },
  'alignment/missing': {
    code: 'ALIGNMENT_REQUIRED',
    sketch: { keyLength: 9 },
    spoil: () => ({ causal: true }),
  },
  'alignment/missing-for-window': {
    code: 'ALIGNMENT_REQUIRED',
    sketch: { keyLength: 9 },
    spoil: () => ({ window: { left: 1 } }),
  },
  'alignment/missing-for-alibi': {
    code: 'ALIGNMENT_REQUIRED',
    sketch: { keyLength: 9 },
    spoil: () => ({ alibiSlopes: floats(2) }),
  },
  'alignment/unknown': { code: 'ARGUMENT', spoil: () => ({ causal: true, alignment: 'center' }) },
  'offset/fraction': { code: 'ARGUMENT', spoil: () => ({ causal: true, alignment: { offset: 0.5 } }) },
  'mask/does-not-broadcast': { code: 'SHAPE', spoil: () => ({ mask: floats(3, 7) }) },
  'mask/rank-5': { code: 'SHAPE', spoil: () => ({ mask: floats(1, 1, 1, 7, 7) }) },
  'bias/boolean': { code: 'DTYPE', spoil: () => ({ bias: tensor(new Uint8Array(49), [7, 7]) }) },
  'key-lengths/too-large': { code: 'ARGUMENT', spoil: () => ({ keyLengths: [3, 8] }) },
  'key-lengths/negative': { code: 'ARGUMENT', spoil: () => ({ keyLengths: [-1, 3] }) },
  'key-lengths/fraction': { code: 'ARGUMENT', spoil: () => ({ keyLengths: [2.5, 3] }) },
  'key-starts/too-large': { code: 'ARGUMENT', spoil: () => ({ keyStarts: [3, 8] }) },
  'key-starts/negative': { code: 'ARGUMENT', spoil: () => ({ keyStarts: [-1, 3] }) },
  'key-starts/fraction': { code: 'ARGUMENT', spoil: () => ({ keyStarts: [2.5, 3] }) },
  'key-starts/too-few': { code: 'SHAPE', spoil: () => ({ keyStarts: [3] }) },
  'key-lengths/too-few': { code: 'SHAPE', spoil: () => ({ keyLengths: [3] }) },
  'query-lengths/too-large': { code: 'ARGUMENT', spoil: () => ({ queryLengths: [8, 1] }) },
  'segments/of-keys-missing': {
    code: 'MISSING_INPUT',
    spoil: () => ({ querySegments: tensor(new Int32Array(14), [2, 7]) }),
  },
  'sinks/wrong-length': { code: 'SHAPE', spoil: () => ({ sinks: floats(3) }) },
  'sinks/with-argmax': { code: 'ARGUMENT', spoil: () => ({ sinks: floats(2), selection: 'argmax' }) },
  'selection/unknown': { code: 'ARGUMENT', spoil: () => ({ selection: 'top-k' }) },
  'choice/with-softmax': { code: 'ARGUMENT', spoil: () => ({ output: false, choice: true }) },
  'outputs/unknown': { code: 'ARGUMENT', spoil: () => ({ weights: 'all' }) },
  'outputs/none': { code: 'ARGUMENT', spoil: () => ({ output: false }) },
  'seed/missing': { code: 'MISSING_INPUT', spoil: () => ({ selection: 'sample' }) },
  'seed/negative': { code: 'ARGUMENT', spoil: () => ({ selection: 'sample', seed: -1 }) },
  'seed/2-to-the-53': { code: 'ARGUMENT', spoil: () => ({ selection: 'sample', seed: 2 ** 53 }) },
  'gradient/of-argmax': {
    code: 'NOT_DIFFERENTIABLE',
    spoil: () => ({ selection: 'argmax', gradient: true }),
  },
  'gradient/of-sample': {
    code: 'NOT_DIFFERENTIABLE',
    spoil: () => ({ selection: 'sample', seed: 1, gradient: true }),
  },
};

/** Through `attention()`. */
export function requestErrorCases(): ConformanceCase[] {
  return Object.entries(MISTAKES).map(([name, { code, sketch = {}, spoil }]) =>
    behavior('errors', `request/${name}`, [], async ({ backend }, id) => {
      const request = requestOf(sketch, id);
      const spoiled = { ...request, ...spoil(request) } as CaseRequest & { gradient?: false };
      await ensureError(() => attention(backend, spoiled), code, `the request ${name}`);
    }),
  );
}
