import { type Tensor, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../../case-request.ts';
import type { BehaviorCase, ConformanceCase } from '../../../case.ts';
import { attendedByRow } from '../../../judge/excluded.ts';
import { type PlainInputs, rowStarts } from '../../../judge/naive-scores.ts';
import { type Sketch, dOutputOf, requestOf } from '../../../sketch.ts';
import { ensure, guaranteed } from '../../building/behavior.ts';
import { EXCLUSIONS, spoil } from './padding.ts';
import { ensureSameBits, runAll } from '../../building/run-all.ts';
import type { Purposes } from '../../building/purposes.ts';

export const partialPaddingPurposes: Purposes = {
  'padding/partly': 'NaN in what some rows attend to leaves the bits of the others alone.',
};

/** Places that the poison of one key or of one row's gradient reaches, by the names of results. */
interface Reached {
  readonly rows: ReadonlySet<number>;
  readonly keys: ReadonlySet<number>;
}

/**
 * One key that some rows attend to and others do not is poisoned: the others keep their bits. The same for the
 * gradient of one row's output: keys that the row does not attend to keep theirs.
 */
function partlyExcluded(name: string, sketch: Sketch, poisoned: 'key' | 'value' | 'dOutput'): BehaviorCase {
  const needs: Sketch = poisoned === 'dOutput' ? { ...sketch, gradient: true } : sketch;
  return guaranteed('padding', `partly/${name}/${poisoned}`, needs, async ({ backend }, id) => {
    const request = requestOf(sketch, id);
    const dOutput = dOutputOf(sketch, id);
    const { problem, inputs } = resolveRequest(request);
    const attended = attendedByRow(problem, inputs as PlainInputs);
    const starts = rowStarts(problem);
    // Of batch 0 and head 0, which share key/value head 0.
    const place =
      poisoned === 'dOutput'
        ? rowBesideOthers(attended, problem.queryLength)
        : keyBesideOthers(attended, problem.queryLength);
    ensure(place !== -1, 'the case has no key that only some rows attend to');

    const at = { key: starts.key, value: starts.value, dOutput: starts.output }[poisoned](0, 0, place);
    const depth = poisoned === 'key' ? problem.headDim : problem.valueDim;
    const inRow = (index: number): boolean => index >= at && index < at + depth;
    const clean = await runAll(backend, request, dOutput);
    const dirty =
      poisoned === 'dOutput'
        ? await runAll(backend, request, spoil(dOutput, NaN, inRow))
        : await runAll(
            backend,
            { ...request, [poisoned]: spoil(request[poisoned] as Tensor, NaN, inRow) },
            dOutput,
          );
    const reached =
      poisoned === 'dOutput' ? byRow(attended, place) : byKey(attended, problem.queryLength, place);
    ensureSameBits(dirty, clean, `with NaN in ${poisoned} row ${place}`, ignoring(request, reached));
  });
}

function keyBesideOthers(attended: readonly (readonly number[])[], queryLength: number): number {
  const rows = attended.slice(0, queryLength);
  const some = rows.flat().filter((j) => rows.some((keys) => !keys.includes(j)));
  return some.length === 0 ? -1 : Math.max(...some);
}

/** A row that attends to something, and not to something that another row attends to. */
function rowBesideOthers(attended: readonly (readonly number[])[], queryLength: number): number {
  const rows = attended.slice(0, queryLength);
  const all = new Set(rows.flat());
  return rows.findIndex((keys) => keys.length > 0 && keys.length < all.size);
}

function byKey(attended: readonly (readonly number[])[], queryLength: number, key: number): Reached {
  const rows = new Set(attended.slice(0, queryLength).flatMap((keys, i) => (keys.includes(key) ? [i] : [])));
  return { rows, keys: new Set([...rows].flatMap((i) => attended[i]!)) };
}

function byRow(attended: readonly (readonly number[])[], row: number): Reached {
  return { rows: new Set([row]), keys: new Set(attended[row]) };
}

/** Elements of results that the poison may reach: of batch 0, head 0. A bias is not broadcast along Lq and Lk. */
function ignoring(request: CaseRequest, { rows, keys }: Reached): (name: string, index: number) => boolean {
  const { problem } = resolveRequest(request);
  const { queryLength, keyLength, headDim, valueDim } = problem;
  const starts = rowStarts(problem);
  const inRows = (index: number, depth: number): boolean =>
    Math.floor(index / depth) < queryLength && rows.has(Math.floor(index / depth));
  const inKeys = (
    index: number,
    start: (b: number, h: number, j: number) => number,
    depth: number,
  ): boolean => [...keys].some((j) => index >= start(0, 0, j) && index < start(0, 0, j) + depth);
  return (name, index) => {
    if (name === 'dQuery') return inRows(index, headDim);
    if (name === 'output') return inRows(index, valueDim);
    if (name === 'weights' || name === 'dBias') return inRows(index, keyLength);
    if (name === 'dKey') return inKeys(index, starts.key, headDim);
    if (name === 'dValue') return inKeys(index, starts.value, valueDim);
    return inRows(index, 1);
  };
}

export function partialPaddingCases(): ConformanceCase[] {
  const names = ['causal', 'window-left', 'window-right', 'boolean-mask', 'segments'] as const;
  const sketches: Record<string, Sketch> = {
    ...Object.fromEntries(names.map((name) => [name, EXCLUSIONS[name]!])),
    'causal-across-tiles': { batch: 1, queryLength: 67, keyLength: 67, causal: true },
    'float-mask': { mask: { kind: 'float', shape: [7, 7], density: 0.5 } },
    bias: { bias: { shape: [2, 1, 7, 7], excluded: 0.5 } },
    softcap: { softcap: 1, causal: true },
    argmax: { selection: 'argmax', causal: true },
  };
  return Object.entries(sketches).flatMap(([name, sketch]) =>
    (['key', 'value', 'dOutput'] as const)
      .filter((poisoned) => !(poisoned === 'dOutput' && sketch.selection))
      .map((poisoned) => partlyExcluded(name, sketch, poisoned)),
  );
}
