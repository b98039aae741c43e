import {
  type AttentionBackend,
  type Tensor,
  attention,
  mergeAttention,
  mergeGradients,
  resolveRequest,
} from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../case.ts';
import { expectationOf } from '../../judge/expectation.ts';
import { judgeGradients } from '../../judge/judge.ts';
import type { PlainInputs } from '../../judge/naive-scores.ts';
import { type Sketch, dOutputOf, lengthsOf, requestOf } from '../../sketch.ts';
import { behavior, ensure, ensureError } from '../building/behavior.ts';
import type { Purposes } from '../building/purposes.ts';
import { ensureSameBits } from '../building/run-all.ts';
import { STALE, cutsOf, someKeys, withStaleRows } from './merge.ts';

export const mergeGradientsPurposes: Purposes = {
  'merge/gradient': 'Gradients over parts of the keys, merged, are those over all keys; or they are refused.',
  'merge/gradient/scores-1e4': 'Merged gradients keep their digits at scores of 1e4.',
  'merge/gradient/bias-of-all-keys':
    'The gradient of a bias without an axis of keys is the sum over the parts.',
  'merge/gradient/stale':
    'What lies before starts and past lengths of parts changes no bit of merged gradients.',
  'merge/gradient/sink-in-an-empty-part':
    'A sink has its gradient also where its part has no key of the row.',
};

/** The gradient over all keys, from those over parts. Sums are in the order of the starts: parts come in reverse. */
async function mergedGradient(
  backend: AttentionBackend,
  request: CaseRequest,
  dOutput: Tensor,
  { cuts, sinkPart }: { readonly cuts: readonly number[]; readonly sinkPart: number },
): Promise<object> {
  const layout = request.layout ?? 'bhld';
  const parts = [];
  for (const [n, end] of cuts.slice(1).entries()) {
    const start = cuts[n]!;
    const part = someKeys(request, start, end);
    const given = n === sinkPart ? part : { ...part, sinks: undefined };
    parts.unshift({ ...(await attention(backend, { ...given, gradient: true })), start });
  }
  const whole = mergeAttention(parts, { layout });
  const gradients = [];
  for (const { gradient, start } of parts) gradients.push({ ...(await gradient(dOutput, { whole })), start });
  const biasShape = request.bias?.shape;
  return mergeGradients(gradients, { layout, ...(biasShape && { biasShape }) });
}

function gradientOf(name: string, sketch: Sketch, parts: number, sinkPart: number = parts - 1): BehaviorCase {
  const needs: Sketch = {
    ...sketch,
    gradient: true,
    outputs: ['output', 'statistics'],
    ...(sketch.alignment && { alignment: { offset: 0 } }),
  };
  return behavior('merge', `gradient/${name}/${parts}-parts`, needs, async ({ backend }, id) => {
    const whole: Sketch = { ...sketch, gradient: true };
    const cuts = cutsOf(lengthsOf(sketch).keyLength, parts, id);
    if (sinkPart === -1) cuts.unshift(0);
    const places = { cuts, sinkPart: Math.max(0, sinkPart) };
    const request = requestOf(whole, id);
    const dOutput = dOutputOf(whole, id);
    const { partGradients = false } = backend.capabilities;
    if (!partGradients || whole.dtype === 'float16') {
      const work = (): Promise<object> => mergedGradient(backend, request, dOutput, places);
      await ensureError(work, 'UNSUPPORTED', 'the gradient of a part of the keys, which is not declared');
      return;
    }
    const gradients = await mergedGradient(backend, request, dOutput, places);
    const { problem, inputs } = resolveRequest(request);
    const expectation = expectationOf(problem, inputs as PlainInputs, dOutput);
    const faults = judgeGradients(expectation, gradients as never).flatMap(({ fault }) => fault ?? []);
    ensure(faults.length === 0, `gradients of parts cut at ${cuts.join(', ')}, merged: ${faults.join('; ')}`);
  });
}

/** Rows before starts and past lengths, of any numbers, change no bit of merged gradients, and their own are 0. */
function staleGradient(): BehaviorCase {
  const sketch: Sketch = { ...STALE.sketch, gradient: true, outputs: ['output', 'statistics'] };
  const spoiled = behavior('merge', 'gradient/stale', sketch, async ({ backend }, id) => {
    const request = requestOf({ ...STALE.sketch, gradient: true }, id);
    const dOutput = dOutputOf(sketch, id);
    const merged = (given: CaseRequest): Promise<object> =>
      mergedGradient(backend, given, dOutput, { cuts: STALE.cuts, sinkPart: 0 });
    if (!backend.capabilities.partGradients) {
      const work = (): Promise<object> => merged(request);
      await ensureError(work, 'UNSUPPORTED', 'the gradient of a part of the keys, which is not declared');
      return;
    }
    const clean = await merged(withStaleRows(request, 0));
    const { problem, inputs } = resolveRequest(request);
    const expectation = expectationOf(problem, inputs as PlainInputs, dOutput);
    const faults = judgeGradients(expectation, clean as never).flatMap(({ fault }) => fault ?? []);
    ensure(faults.length === 0, `gradients of parts with lengths and starts, merged: ${faults.join('; ')}`);
    for (const stuff of [3e38, NaN]) {
      const dirty = await merged(withStaleRows(request, stuff));
      ensureSameBits(dirty as never, clean as never, `merged, with ${stuff} in every row that is not there`);
    }
  });
  return { ...spoiled, guarantee: 'padding' };
}

export function mergeGradientsCases(): ConformanceCase[] {
  const lengths: Sketch = { queryLength: 5, keyLength: 70 };
  const sketches: Record<string, Sketch> = {
    plain: lengths,
    'scores-1e4': { ...lengths, queryLength: 17, spread: 1e4 },
    sinks: { ...lengths, sinks: true },
    'layout-blhd': { ...lengths, layout: 'blhd', heads: 3 },
    gqa: { ...lengths, heads: 4, kvHeads: 2, valueDim: 5 },
    'boolean-mask': { ...lengths, mask: { kind: 'boolean', shape: [5, 70], density: 0.1 } },
    bias: { ...lengths, bias: { shape: [2, 1, 70], excluded: 0.5 } },
    'bias-of-all-keys': { ...lengths, bias: { shape: [2, 5, 1] } },
    causal: { queryLength: 70, keyLength: 70, causal: true, alignment: 'topLeft' },
    'softcap-segments': { ...lengths, softcap: 2, segments: 'scattered' },
    float64: { ...lengths, dtype: 'float64' },
    float16: { ...lengths, dtype: 'float16' },
  };
  return [
    ...Object.entries(sketches).map(([name, sketch]) => gradientOf(name, sketch, 4)),
    gradientOf('plain', lengths, 1),
    gradientOf('more-parts-than-keys', { queryLength: 3, keyLength: 2, sinks: true }, 9),
    gradientOf('sink-in-an-empty-part', { ...lengths, sinks: true }, 3, -1),
    staleGradient(),
    gradientOf('sinks-and-no-keys', { queryLength: 3, keyLength: 0, sinks: true }, 3, 0),
  ];
}
