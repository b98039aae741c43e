import type { Activation, ComputeDType } from '@heed/core';
import {
  type Callable,
  type ModuleBuilder,
  i32,
  int,
  memoryCopy,
  repeatWhile,
  v128,
  whileTrue,
} from '@heed/core/wasm';
import { ITEM_PARAMETERS, minimum, place } from '../module/context.ts';
import type { Element } from '../module/element.ts';
import { fieldsOf } from '../operations/frame.ts';
import { vectorActivation } from './activation.ts';
import { panelPrefetcher } from './prefetch.ts';
import { nextHeight, ofHeight, tileRows, wideMultiplier } from './row-tiles.ts';

/**
 * Rows and columns of a work item: a multiple of the register tile's rows, and a block of weights for the second-level cache.
 *
 * MiniLM, ten tokens, Node 24, AMD EPYC (Zen 5), in ms: 512 bytes 6.5, 256 6.8, 128 7.6. Loading words of the next panel ahead, one a
 * step, 7.3.
 */
export const BLOCK_ROWS = 48;
export const BLOCK_BYTES = 512;
/** Properties that a module is generated for. */
export interface LinearVariant {
  readonly dtype: ComputeDType;
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
  readonly activation: Activation | null;
}

/** Scratch memory of a thread: sums of a row group. */
export function linearScratchBytes(relaxed: boolean): number {
  return tileRows(relaxed) * BLOCK_BYTES;
}

/**
 * f(x Wᵀ + b), one export: `linear(item, frame, scratch)`, an item being a block of rows and columns. Weights are packed in panels
 * as wide as a register tile, one step of the sum after another, and read from there for each group of rows. A sum has one order,
 * whichever tile computes it: the bits of a row do not depend on the others. Sums of a row group go to the scratch; bias and
 * activation are applied on their way to the output.
 */
export function writeLinear(module: ModuleBuilder, element: Element, variant: LinearVariant): void {
  const { inputs, outputs } = variant;
  const { bytes, fused: relaxed, tileVectors } = element;
  const panelRow = 16 * tileVectors;
  const inputRow = inputs * bytes;
  const outputRow = outputs * bytes;
  const steps = {
    aRow: inputRow,
    aStep: bytes,
    bStep: panelRow,
    bTiles: 'panels',
    cRow: BLOCK_BYTES,
    begin: 'zero',
  } as const;
  const rowsOfTile = tileRows(relaxed);
  const panelBytes = inputs * panelRow;
  const tiles = Array.from({ length: rowsOfTile }, (_, n) =>
    wideMultiplier(module, element, relaxed, { ...steps, rows: n + 1, panelBytes }),
  );
  const prefetch = panelPrefetcher(module, relaxed, panelBytes);
  const finish = finisher(module, element, variant);
  const whole = outputRow % 16 === 0;
  module.function({ parameters: ITEM_PARAMETERS, name: 'linear' }, (body, item, frame, scratch) => {
    const [row, end, column, width, a, b, count, to] = body.locals('i32', 8);
    const padded = body.local('i32');
    const at = fieldsOf(frame);
    return [
      // In bytes of a row of the output.
      column.set(i32.mul(i32.remU(item, at('blocks')), int(BLOCK_BYTES))),
      width.set(i32.sub(int(outputRow), column)),
      width.set(minimum(width, int(BLOCK_BYTES))),
      padded.set(i32.and(i32.add(width, int(panelRow - 1)), int(-panelRow))),
      row.set(i32.mul(i32.divU(item, at('blocks')), int(BLOCK_ROWS))),
      end.set(i32.add(row, int(BLOCK_ROWS))),
      count.set(at('rows')),
      end.set(minimum(end, count)),
      // A column of bytes / elements has `inputs` of them.
      b.set(i32.add(at('weight'), i32.mul(column, int(inputs)))),
      prefetch(b, i32.add(b, i32.mul(padded, int(inputs))), i32.sub(end, row)),
      whileTrue(i32.ltU(row, end), [
        a.set(place(at('input'), row, inputRow)),
        count.set(i32.sub(end, row)),
        count.set(nextHeight(count, relaxed)),
        ofHeight(count, relaxed, (rows) =>
          tiles[rows - 1]!(a, b, scratch, i32.add(a, int(inputRow)), i32.add(scratch, padded), int(0)),
        ),
        a.set(scratch),
        whileTrue(count, [
          to.set(i32.add(place(at('output'), row, outputRow), column)),
          finish(a, i32.add(a, whole ? width : padded), i32.add(at('bias'), column), whole ? to : a),
          whole ? [] : memoryCopy(to, a, width),
          a.set(i32.add(a, int(BLOCK_BYTES))),
          row.set(i32.add(row, int(1))),
          count.set(i32.sub(count, int(1))),
        ]),
      ]),
    ];
  });
}

/** A function (sums, their end, bias, to) that writes the activation of sums of a row with their bias. */
export function finisher(
  module: ModuleBuilder,
  element: Element,
  { bias, activation }: Pick<LinearVariant, 'bias' | 'activation'>,
): Callable<typeof FINISH> {
  const { vector } = element;
  return module.function({ parameters: FINISH }, (body, at, end, biasAt, to) => {
    const x = body.local('v128');
    const { prepare, apply } = vectorActivation(element, body, activation);
    return [
      prepare,
      repeatWhile(i32.ltU(at, end), [
        x.set(bias ? vector.add(v128.load(at), v128.load(biasAt)) : v128.load(at)),
        apply(x),
        v128.store(to, x),
        biasAt.set(i32.add(biasAt, int(16))),
        at.set(i32.add(at, int(16))),
        to.set(i32.add(to, int(16))),
      ]),
    ];
  });
}

const FINISH = ['i32', 'i32', 'i32', 'i32'] as const;
