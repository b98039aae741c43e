import type { AttentionProblem, Support } from '@heed/core';
import { MAXIMUM_ROWS, divisionOf } from './tiles.ts';
import type { Engine } from '../platform/engine.ts';
import { sizeOf } from '@heed/core/backend';

/** Maximum of threads along the first two axes: the least that every WebGPU supports. */
const MAXIMUM_THREADS = 8 * 65535;

/** Returns whether a problem fits: each tensor is an array of the engine, and each row a thread or a row of threads. */
export function limitsOf(problem: AttentionProblem, engine: Engine): Support {
  const { maximumElements, maximumLayers, device } = engine;
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim, layout, mask, bias } = problem;
  const weights = problem.outputs.includes('weights') ? [batch, heads, queryLength] : [];
  const arrays: [clause: string, what: string, lengths: readonly number[]][] = [
    ['shape', 'query', [batch, heads, queryLength, headDim]],
    ['shape', 'key', [batch, kvHeads, keyLength, headDim]],
    ['shape', 'value', [batch, kvHeads, keyLength, valueDim]],
    ['shape', 'output', [batch, heads, queryLength, valueDim]],
    ['mask', 'mask', mask?.shape ?? []],
    ['bias', 'bias', bias?.shape ?? []],
    ['weights', 'weights', [...weights, keyLength]],
  ];
  const tooLarge = arrays.find(([, , lengths]) => sizeOf(lengths) > maximumElements);
  if (tooLarge !== undefined) {
    const [clause, what, lengths] = tooLarge;
    const reason = `${what} has ${sizeOf(lengths)} elements, an array of ${device} can have at most ${maximumElements}`;
    return { supported: false, clause, reason };
  }
  const perRow = layout === 'blhd' ? heads : 1;
  const threads: [clause: string, what: string, count: number, maximum: number][] = [
    ['shape', 'B · Hq', batch * heads, maximumLayers],
    ['shape', layout === 'blhd' ? 'Lq · Hq' : 'Lq', queryLength * perRow, MAXIMUM_THREADS],
    ['shape', layout === 'blhd' ? 'Lk · Hq' : 'Lk', keyLength * perRow, MAXIMUM_THREADS],
    ['shape', 'D', headDim, MAXIMUM_THREADS],
    ['shape', 'Dv', valueDim, MAXIMUM_THREADS],
    ['weights', 'B · Hq · Lq', divisionOf(problem, engine) === 'whole' ? sizeOf(weights) : 1, MAXIMUM_ROWS],
  ];
  const tooMany = threads.find(([, , count, maximum]) => count > maximum);
  if (tooMany === undefined) return { supported: true };
  const [clause, what, count, maximum] = tooMany;
  return { supported: false, clause, reason: `${what} is ${count}, gpu.js can have at most ${maximum}` };
}
