import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const windowPurposes: Purposes = {
  window: 'A row may attend to the keys within its window, both ends included.',
  'window/across-tiles': 'A window that begins and ends within tiles loses no key and adds none.',
  'window/both-sides-null': 'A window without bounds excludes nothing.',
  'window/uneven': 'The left and the right side of a window are not mistaken for each other.',
  'window/more-keys': 'A window follows the alignment with more keys than queries.',
  'window/more-queries': 'A window follows the alignment with more queries than keys.',
  'window/offsets': 'A window follows the offset of each element of the batch.',
  'window/key-lengths': 'A window ends at the key length, and follows the alignment with it.',
};

export function windowCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = { control: { window: { left: 2, right: 2 } } };
  for (const side of [0, 1, 3, 6, 7, 100]) {
    sketches[`left-${side}`] = { window: { left: side } };
    sketches[`right-${side}`] = { window: { right: side } };
    sketches[`both-${side}`] = { window: { left: side, right: side } };
    sketches[`left-${side}/causal`] = { window: { left: side }, causal: true };
  }
  for (const left of [1, 30, 31, 32, 33, 63, 64]) {
    sketches[`across-tiles/left-${left}`] = {
      batch: 1,
      queryLength: 97,
      headDim: 4,
      window: { left, right: 2 },
    };
  }
  return agreements('window', {
    ...sketches,
    'uneven/left-1-right-3': { window: { left: 1, right: 3 } },
    'uneven/left-3-right-0': { window: { left: 3, right: 0 } },
    'both-sides-null': { window: { left: null, right: null } },
    'more-keys/top-left': {
      window: { left: 1, right: 1 },
      queryLength: 4,
      keyLength: 9,
      alignment: 'topLeft',
    },
    'more-keys/bottom-right': {
      window: { left: 1, right: 1 },
      queryLength: 4,
      keyLength: 9,
      alignment: 'bottomRight',
    },
    'more-queries/bottom-right': {
      window: { left: 1, right: 1 },
      queryLength: 9,
      keyLength: 4,
      alignment: 'bottomRight',
    },
    offsets: { window: { left: 2, right: 1 }, alignment: { offset: [2, -1] } },
    'key-lengths/bottom-right': {
      window: { left: 2, right: 1 },
      keyLengths: [3, 6],
      alignment: 'bottomRight',
    },
    'key-lengths/top-left': { window: { left: 2, right: 1 }, keyLengths: [3, 6] },
    'boolean-mask': { window: { left: 2, right: 2 }, mask: { kind: 'boolean', shape: [7, 7] } },
    sinks: { window: { left: 1 }, causal: true, sinks: true },
    'layout-blhd': { window: { left: 2, right: 0 }, layout: 'blhd' },
    'long/left-50': { batch: 1, heads: 1, queryLength: 270, headDim: 4, window: { left: 50 }, causal: true },
  });
}
