import { type AttentionProblem, type Feature, type HeedErrorCode, resolveRequest } from '@heed/core';
import type { ConformanceCase } from '../../../case.ts';
import { requestOf } from '../../../sketch.ts';
import { behavior, ensureError } from '../../building/behavior.ts';

/** A problem that is right until these fields are put in. */
interface Mistake {
  readonly code: HeedErrorCode;
  /** A backend that lacks one of these may refuse the problem before it sees the mistake. */
  readonly features?: readonly Feature[];
  readonly fields: object;
}

const MISTAKES: Readonly<Record<string, Mistake>> = {
  'batch/0': { code: 'SHAPE', fields: { batch: 0 } },
  'heads/0': { code: 'SHAPE', fields: { heads: 0, kvHeads: 0 } },
  'heads/no-multiple': { code: 'SHAPE', features: ['gqa'], fields: { heads: 3, kvHeads: 2 } },
  'head-size/0': { code: 'SHAPE', fields: { headDim: 0, valueDim: 0 } },
  'query-length/negative': { code: 'SHAPE', fields: { queryLength: -1 } },
  'key-length/fraction': { code: 'SHAPE', fields: { keyLength: 2.5 } },
  'dtype/int8': { code: 'DTYPE', fields: { dtype: 'int8' } },
  'layout/unknown': { code: 'ARGUMENT', fields: { layout: 'lbhd' } },
  'scale/nan': { code: 'ARGUMENT', fields: { scale: NaN } },
  'scale/too-large': { code: 'ARGUMENT', fields: { scale: -(2 ** 65) } },
  'scale/too-small': { code: 'ARGUMENT', fields: { scale: 2 ** -65 } },
  'softcap/0': { code: 'ARGUMENT', features: ['softcap'], fields: { softcap: 0 } },
  'softcap/too-large': { code: 'ARGUMENT', features: ['softcap'], fields: { softcap: 2 ** 65 } },
  'softcap/too-small': { code: 'ARGUMENT', features: ['softcap'], fields: { softcap: 2 ** -65 } },
  'softcap/infinite': { code: 'ARGUMENT', features: ['softcap'], fields: { softcap: Infinity } },
  'window/negative': {
    code: 'ARGUMENT',
    features: ['window'],
    fields: { window: { left: -1, right: null }, alignment: 'topLeft' },
  },
  'alignment/missing': { code: 'ALIGNMENT_REQUIRED', features: ['causal'], fields: { causal: true } },
  'mask/does-not-broadcast': {
    code: 'SHAPE',
    features: ['mask.boolean'],
    fields: { mask: { kind: 'boolean', shape: [1, 1, 7, 6] } },
  },
  'bias/does-not-broadcast': { code: 'SHAPE', features: ['bias'], fields: { bias: { shape: [1, 3, 1, 1] } } },
  'outputs/none': { code: 'ARGUMENT', fields: { outputs: [] } },
  'outputs/unknown': { code: 'ARGUMENT', fields: { outputs: ['attention'] } },
  'choice/with-softmax': { code: 'ARGUMENT', fields: { outputs: ['choice'] } },
  'selection/unknown': { code: 'ARGUMENT', fields: { selection: 'top-k' } },
  'sinks/with-argmax': {
    code: 'ARGUMENT',
    features: ['sinks', 'selection.argmax'],
    fields: { sinks: true, selection: 'argmax' },
  },
  'gradient/of-argmax': {
    code: 'NOT_DIFFERENTIABLE',
    features: ['gradient', 'selection.argmax'],
    fields: { gradient: true, selection: 'argmax' },
  },
};

/** Straight into `compile()`, past all checks of `attention()`. */
export function problemErrorCases(): ConformanceCase[] {
  return Object.entries(MISTAKES).map(([name, { code, features = [], fields }]) =>
    behavior('errors', `problem/${name}`, features, async ({ backend }) => {
      const { problem } = resolveRequest(requestOf({}, 'errors'));
      const spoiled = { ...problem, ...fields } as AttentionProblem;
      await ensureError(() => backend.compile(spoiled), code, `the problem ${name}`);
    }),
  );
}
