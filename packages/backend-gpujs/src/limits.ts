import type { AttentionProblem, Support } from '@heed/core';
import { MOST_ROWS, divisionOf } from './attention/tiles.ts';
import type { Engine } from './engine/engine.ts';
import { sizeOf } from './tensors/size-of.ts';

/** Most threads along the first two axes: what WebGPU starts at least. */
const MOST_THREADS = 8 * 65535;

/** Whether a problem fits: each tensor is one array of the engine, and each of its rows a thread or a row of them. */
export function limitsOf(problem: AttentionProblem, { largestArray, mostLayers, device }: Engine): Support {
  const { batch, heads, kvHeads, queryLength, keyLength, headDim, valueDim, layout, mask, bias } = problem;
  const weights = divisionOf(problem) === 'whole' ? [batch, heads, queryLength] : [];
  const arrays: [clause: string, what: string, lengths: readonly number[]][] = [
    ['shape', 'query', [batch, heads, queryLength, headDim]],
    ['shape', 'key', [batch, kvHeads, keyLength, headDim]],
    ['shape', 'value', [batch, kvHeads, keyLength, valueDim]],
    ['shape', 'output', [batch, heads, queryLength, valueDim]],
    ['mask', 'mask', mask?.shape ?? []],
    ['bias', 'bias', bias?.shape ?? []],
    ['weights', 'weights', [...weights, keyLength]],
  ];
  const tooLarge = arrays.find(([, , lengths]) => sizeOf(lengths) > largestArray);
  if (tooLarge !== undefined) {
    const [clause, what, lengths] = tooLarge;
    const reason = `${what} has ${sizeOf(lengths)} elements, the largest array of ${device} has ${largestArray}`;
    return { supported: false, clause, reason };
  }
  const perRow = layout === 'blhd' ? heads : 1;
  const threads: [clause: string, what: string, count: number, most: number][] = [
    ['shape', 'B · Hq', batch * heads, mostLayers],
    ['shape', layout === 'blhd' ? 'Lq · Hq' : 'Lq', queryLength * perRow, MOST_THREADS],
    ['shape', layout === 'blhd' ? 'Lk · Hq' : 'Lk', keyLength * perRow, MOST_THREADS],
    ['shape', 'D', headDim, MOST_THREADS],
    ['shape', 'Dv', valueDim, MOST_THREADS],
    ['weights', 'B · Hq · Lq', sizeOf(weights), MOST_ROWS],
  ];
  const tooMany = threads.find(([, , count, most]) => count > most);
  if (tooMany === undefined) return { supported: true };
  const [clause, what, count, most] = tooMany;
  return { supported: false, clause, reason: `${what} is ${count}, gpu.js can have at most ${most}` };
}
