import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const alignmentPurposes: Purposes = {
  alignment: 'Rows stand where the alignment puts them.',
  'alignment/control': 'bottomRight puts the last query at the last key.',
  'alignment/equal-lengths-need-none': 'With as many queries as keys, row i stands at key i.',
  'alignment/without-positions-it-is-idle': 'An alignment that nothing uses changes nothing.',
  'alignment/decoding': 'Fewer queries than keys stand at the end, as in decoding with a cache.',
  'alignment/causal': 'Causal attention counts from the position that the alignment gives a row.',
  'alignment/window': 'A window counts from the position that the alignment gives a row.',
  'alignment/left-window': 'A window to the left counts from positions next to the largest integers.',
  'alignment/right-window': 'A window to the right counts from positions next to the largest integers.',
  'alignment/alibi': 'Distances count from the position that the alignment gives a row.',
};

/** Queries fewer than, as many as, and more than keys. */
const LENGTHS = { fewer: [4, 9], equal: [7, 7], more: [9, 4] } as const;

/** The use of the positions. */
const USES = {
  causal: { causal: true },
  window: { window: { left: 2, right: 1 } },
  alibi: { alibi: true },
} as const;

const ALIGNMENTS: Readonly<Record<string, Sketch['alignment']>> = {
  'top-left': 'topLeft',
  'bottom-right': 'bottomRight',
  'offset/0': { offset: 0 },
  'offset/3': { offset: 3 },
  'offset/negative': { offset: -2 },
  'offset/beyond-all-keys': { offset: 50 },
  'offset/per-batch': { offset: [5, -3] },
};

/** Rows next to the largest integers, where none or all of the keys are behind them. */
const FARTHEST: Readonly<Record<string, Sketch>> = {
  causal: { causal: true },
  'left-window': { window: { left: 0, right: null } },
  'right-window': { window: { left: null, right: 0 } },
  window: { window: { left: 2, right: 1 } },
};

export function alignmentCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = {
    control: { causal: true, queryLength: 4, keyLength: 9, alignment: 'bottomRight' },
    'equal-lengths-need-none': { causal: true },
    'without-positions-it-is-idle': { queryLength: 4, keyLength: 9, alignment: 'bottomRight' },
    'decoding/one-query': { causal: true, queryLength: 1, keyLength: 9, alignment: 'bottomRight' },
    'decoding/chunk-across-tiles': {
      causal: true,
      batch: 1,
      queryLength: 33,
      keyLength: 100,
      alignment: 'bottomRight',
    },
  };
  for (const [use, option] of Object.entries(USES)) {
    for (const [name, alignment] of Object.entries(ALIGNMENTS)) {
      for (const [relation, [queryLength, keyLength]] of Object.entries(LENGTHS)) {
        sketches[`${use}/${name}/${relation}`] = { ...option, alignment, queryLength, keyLength };
      }
    }
    const lengths = { ...option, queryLength: 6, keyLength: 9 };
    Object.assign(sketches, {
      [`${use}/bottom-right/key-lengths`]: { ...lengths, alignment: 'bottomRight', keyLengths: [5, 8] },
      [`${use}/bottom-right/query-lengths`]: { ...lengths, alignment: 'bottomRight', queryLengths: [2, 6] },
      [`${use}/bottom-right/both-lengths`]: {
        ...lengths,
        alignment: 'bottomRight',
        keyLengths: [3, 8],
        queryLengths: [5, 2],
      },
      [`${use}/bottom-right/lengths-of-equal-axes`]: {
        ...option,
        alignment: 'bottomRight',
        keyLengths: [3, 6],
      },
      [`${use}/top-left/lengths`]: {
        ...lengths,
        alignment: 'topLeft',
        keyLengths: [3, 8],
        queryLengths: [5, 2],
      },
      [`${use}/offset/lengths`]: {
        ...lengths,
        alignment: { offset: [1, 2] },
        keyLengths: [3, 8],
        queryLengths: [5, 2],
      },
      [`${use}/segments-keep-positions`]: { ...lengths, alignment: 'bottomRight', segments: 'packed' },
    } satisfies Record<string, Sketch>);
  }
  for (const [use, option] of Object.entries(FARTHEST)) {
    for (const offset of [2 ** 31 - 1, 1 - 2 ** 31]) {
      const name = `${use}/offset/${offset > 0 ? 'greatest' : 'least'}`;
      const far: Sketch = { ...option, alignment: { offset }, queryLength: 4, keyLength: 9 };
      sketches[name] = far;
      sketches[`${name}/gradient`] = { ...far, gradient: true };
    }
  }
  return agreements('alignment', sketches);
}
