import type { StoredType } from '@heed/core';
import {
  type Block,
  type Callable,
  type ModuleBuilder,
  count,
  i32,
  int,
  memoryCopy,
  repeatWhile,
  v128,
  when,
  whileTrue,
} from '@heed/core/wasm';
import { ITEM_PARAMETERS, minimum, place } from '../../module/context.ts';
import type { Element } from '../../module/element.ts';
import { fieldsOf } from '../../operations/frame.ts';
import { BLOCK_BYTES, type LinearVariant, finisher } from '../module.ts';
import { prefetcher } from '../prefetch.ts';
import { heightMultipliers, nextHeight, ofHeight } from '../row-tiles.ts';
import { weightDecoder } from './decoder.ts';
import { type Form, PANEL_OUTPUTS, formOf } from './form.ts';

/** Rows of a work item: a multiple of the register tile's, and enough for the decoding of a panel not to count. */
export const STORED_ROWS = 96;
/** At most so many rows each decode the weights for themselves, in registers. */
const FEW_ROWS = 3;

/** Bytes of a panel's row of float32: two vectors. */
const PANEL_BYTES = 4 * PANEL_OUTPUTS;

export interface StoredVariant extends LinearVariant {
  readonly weightType: StoredType;
}

/** Bytes of a thread's scratch: sums `[rows, columns]` of an item, and a panel of decoded weights `[in, 8]`. */
export function storedScratchBytes(inputs: number): number {
  return STORED_ROWS * BLOCK_BYTES + inputs * PANEL_BYTES;
}

/**
 * The same as `writeLinear` for weights that stay as they are stored. A few rows decode them in registers, 16 outputs at a
 * time; more rows share panels that are decoded to the scratch. Both compute the same weights and add in the same order, so that a
 * row's bits do not depend on the others.
 */
export function writeStored(module: ModuleBuilder, element: Element, variant: StoredVariant): void {
  const { inputs, outputs, weightType } = variant;
  const { fused: relaxed } = element;
  const form = formOf(weightType);
  const panelBytes = (inputs / form.length) * form.bytes;
  const inputRow = inputs * 4;
  const outputRow = outputs * 4;
  const whole = outputRow % 16 === 0;
  const steps = {
    aRow: inputRow,
    aStep: 4,
    bStep: PANEL_BYTES,
    bTiles: 'panels',
    cRow: BLOCK_BYTES,
    begin: 'zero',
  } as const;
  const tiles = heightMultipliers(module, { ...element, tileVectors: 2 }, relaxed, () => steps);
  const decodedRow = rowMultiplier(module, element, form, panelBytes);
  const decodePanel = panelDecoder(module, element, form, panelBytes);
  const prefetch = prefetcher(module);
  const finish = finisher(module, element, variant);
  module.function({ parameters: ITEM_PARAMETERS, name: 'linear' }, (body, item, frame, scratch) => {
    const [row, end, column, width, a, b, sums, to] = body.locals('i32', 8);
    const [padded, first, panel, at, atEnd, height] = body.locals('i32', 6);
    const field = fieldsOf(frame);
    const eachRow = (code: Block): Block => count(row, first, end, 1, code);
    const sumsOf = place(scratch, i32.sub(row, first), BLOCK_BYTES);
    const few: Block = [
      prefetch(b, i32.add(b, i32.mul(i32.divU(padded, int(PANEL_BYTES)), int(panelBytes)))),
      eachRow([
        a.set(place(field('input'), row, inputRow)),
        sums.set(sumsOf),
        decodedRow(a, b, sums, i32.add(sums, padded)),
      ]),
    ];
    const tiled: Block = [
      panel.set(i32.add(scratch, int(STORED_ROWS * BLOCK_BYTES))),
      count(at, int(0), padded, PANEL_BYTES, [
        decodePanel(b, panel),
        row.set(first),
        whileTrue(i32.ltU(row, end), [
          a.set(place(field('input'), row, inputRow)),
          sums.set(i32.add(sumsOf, at)),
          atEnd.set(i32.add(a, int(inputRow))),
          height.set(i32.sub(end, row)),
          height.set(nextHeight(height, relaxed)),
          ofHeight(height, relaxed, (rows) =>
            tiles[rows]!(a, panel, sums, atEnd, i32.add(sums, int(PANEL_BYTES)), int(0)),
          ),
          row.set(i32.add(row, height)),
        ]),
        b.set(i32.add(b, int(panelBytes))),
      ]),
    ];
    return [
      // In bytes of a row of the output, and of float32 panels: eight outputs are 32 bytes.
      column.set(i32.mul(i32.remU(item, field('blocks')), int(BLOCK_BYTES))),
      width.set(i32.sub(int(outputRow), column)),
      width.set(minimum(width, int(BLOCK_BYTES))),
      padded.set(i32.and(i32.add(width, int(2 * PANEL_BYTES - 1)), int(-2 * PANEL_BYTES))),
      first.set(i32.mul(i32.divU(item, field('blocks')), int(STORED_ROWS))),
      end.set(i32.add(first, int(STORED_ROWS))),
      to.set(field('rows')),
      end.set(minimum(end, to)),
      b.set(i32.add(field('weight'), i32.mul(i32.divU(column, int(PANEL_BYTES)), int(panelBytes)))),
      when(i32.geS(int(FEW_ROWS), i32.sub(end, first)), few, tiled),
      eachRow([
        sums.set(sumsOf),
        to.set(i32.add(place(field('output'), row, outputRow), column)),
        finish(
          sums,
          i32.add(sums, whole ? width : padded),
          i32.add(field('bias'), column),
          whole ? to : sums,
        ),
        whole ? [] : memoryCopy(to, sums, width),
      ]),
    ];
  });
}

/**
 * A function (a, b, c, cEnd): a row of sums of a row of the input with weights that are decoded in registers, two panels at a
 * time: four sums, so that the multiply-adds need not wait for each other.
 */
function rowMultiplier(
  module: ModuleBuilder,
  element: Element,
  form: Form,
  panelBytes: number,
): Callable<['i32', 'i32', 'i32', 'i32']> {
  const { vector, madd } = element;
  return module.function({ parameters: ['i32', 'i32', 'i32', 'i32'] }, (body, aStart, b, c, cEnd) => {
    const [a, end, at, readsEnd] = body.locals('i32', 4);
    const [x, zero] = body.locals('v128', 2);
    const panels = [0, panelBytes].map((offset) => ({
      offset,
      sums: body.locals('v128', 2),
      decoder: weightDecoder(element, body, form),
    }));
    // One turn of the innermost loop: unrolled, it would be two to three times slower with Node 20, which spills registers.
    const read: Block = panels.map(({ offset, sums, decoder }) => {
      const { prepare, steps } = decoder.decode(at, offset + form.head);
      return [
        prepare,
        steps.map((pair, n) => [
          x.set(vector.loadSplat(a, 4 * n)),
          pair.map((weights, half) => sums[half]!.set(madd(x, weights, sums[half]!))),
        ]),
      ];
    });
    return [
      panels.map(({ decoder }) => decoder.prepare),
      repeatWhile(i32.ltU(c, cEnd), [
        panels.map(({ sums }) => sums.map((sum) => sum.set(zero))),
        a.set(aStart),
        end.set(i32.add(b, int(panelBytes))),
        repeatWhile(i32.ltU(b, end), [
          panels.map(({ offset, decoder }) => decoder.openBlock(b, offset)),
          at.set(b),
          b.set(i32.add(b, int(form.bytes))),
          readsEnd.set(i32.sub(b, int(form.head))),
          repeatWhile(i32.ltU(at, readsEnd), [
            read,
            a.set(i32.add(a, int(4 * form.steps))),
            at.set(i32.add(at, int(16))),
          ]),
        ]),
        b.set(i32.add(b, int(panelBytes))),
        panels.map(({ sums }, panel) =>
          sums.map((sum, half) => v128.store(c, sum, PANEL_BYTES * panel + 16 * half)),
        ),
        c.set(i32.add(c, int(2 * PANEL_BYTES))),
      ]),
    ];
  });
}

/** A function (b, to): a panel of weights `[in, 8]`, decoded. */
function panelDecoder(
  module: ModuleBuilder,
  element: Element,
  form: Form,
  panelBytes: number,
): Callable<['i32', 'i32']> {
  return module.function({ parameters: ['i32', 'i32'] }, (body, b, to) => {
    const end = body.local('i32');
    const decoder = weightDecoder(element, body, form);
    const reads = Array.from({ length: form.length / form.steps }, (_, read): Block => {
      const { prepare, steps } = decoder.decode(b, form.head + 16 * read);
      return [
        prepare,
        steps.map((pair, n) =>
          pair.map((weights, half) =>
            v128.store(to, weights, PANEL_BYTES * (form.steps * read + n) + 16 * half),
          ),
        ),
      ];
    });
    return [
      decoder.prepare,
      end.set(i32.add(b, int(panelBytes))),
      repeatWhile(i32.ltU(b, end), [
        decoder.openBlock(b),
        reads,
        to.set(i32.add(to, int(PANEL_BYTES * form.length))),
        b.set(i32.add(b, int(form.bytes))),
      ]),
    ];
  });
}
