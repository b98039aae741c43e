import {
  type Block,
  type Callable,
  type Code,
  type ModuleBuilder,
  type Variable,
  i32,
  int,
  memoryCopy,
  memoryFill,
  repeatWhile,
  v128,
  when,
  whileTrue,
} from '@heed/core/wasm';
import { ITEM_PARAMETERS, minimum, place } from '../module/context.ts';
import type { Element } from '../module/element.ts';
import { fieldsOf } from '../operations/frame.ts';
import { BLOCK_BYTES, type LinearVariant } from './module.ts';
import { heightMultipliers, nextHeight, ofHeight } from './row-tiles.ts';

/** Rows of a work item, a block of dW: a multiple of every register tile's rows. */
export const GRADIENT_ROWS = 96;
/** Rows of the input that are worked on together. */
const STEPS = 256;

/** Properties that a module is generated for. */
export type WeightGradientVariant = Omit<LinearVariant, 'activation' | 'slope'>;

/** Offsets in the scratch: sums of the block, those of the bias, panels of the input, columns of dOutput, a row of the input. */
const SUMS = 0;
const BIAS = SUMS + GRADIENT_ROWS * BLOCK_BYTES;
const PANELS = BIAS + GRADIENT_ROWS * 16;
const COLUMNS = PANELS + STEPS * BLOCK_BYTES;
const ROW = COLUMNS + STEPS * 48 + 16;
export const GRADIENT_SCRATCH_BYTES: number = ROW + BLOCK_BYTES;

/**
 * dW = dZᵀ X and db = Σ dZ, one export: `weightGradient(item, frame, scratch)`, an item being a block of dW. The sum runs over the
 * rows of X and dZ in their order, 256 at a time: rows of X are copied into panels, which stay in the second-level cache, and
 * columns of dZ side by side for each group of rows of the tile. Both are contiguous runs of a row: nothing is transposed.
 *
 * A row of dZ that is 0 had no influence: what X holds there does not reach the sum. X is rarely anything but finite, so panels are
 * tested as a whole, and row by row only where that fails.
 */
export function writeWeightGradient(
  module: ModuleBuilder,
  element: Element,
  { inputs, outputs, bias }: WeightGradientVariant,
): void {
  const { bytes, fused: relaxed, tileVectors } = element;
  const panelRow = 16 * tileVectors;
  const [inputRow, outputRow] = [inputs * bytes, outputs * bytes];
  const tiles = heightMultipliers(module, element, relaxed, (rows) => ({
    aRow: bytes,
    aStep: rows * bytes,
    bStep: panelRow,
    bTiles: 'panels',
    cRow: BLOCK_BYTES,
    begin: 'C',
  }));
  const packInput = inputPacker(module, element, inputRow, outputRow);
  const packers = tiles.map((_, rows) => columnPacker(module, element, Math.max(1, rows), outputRow));
  const adders = tiles.map((_, rows) => columnAdder(module, element, Math.max(1, rows)));

  module.function({ parameters: ITEM_PARAMETERS, name: 'weightGradient' }, (body, item, frame, scratch) => {
    const [column, width, padded, firstRow, count, first, steps, row, d, c, n] = body.locals('i32', 11);
    const at = fieldsOf(frame);
    const part = (offset: number) => i32.add(scratch, int(offset));
    const biasOf = place(part(BIAS), row, 16);
    const group = (rows: number): Block => [
      packers[rows]!(d, steps, part(COLUMNS)),
      c.set(place(scratch, row, BLOCK_BYTES)),
      tiles[rows]!(
        part(COLUMNS),
        part(PANELS),
        c,
        i32.add(part(COLUMNS), i32.mul(steps, int(rows * bytes))),
        i32.add(c, padded),
        int(0),
      ),
      bias ? when(i32.eqz(column), adders[rows]!(part(COLUMNS), steps, biasOf)) : [],
      row.set(i32.add(row, int(rows))),
      d.set(i32.add(d, int(rows * bytes))),
    ];
    return [
      column.set(i32.mul(i32.remU(item, at('blocks')), int(BLOCK_BYTES))),
      width.set(i32.sub(int(inputRow), column)),
      width.set(minimum(width, int(BLOCK_BYTES))),
      padded.set(i32.and(i32.add(width, int(panelRow - 1)), int(-panelRow))),
      firstRow.set(i32.mul(i32.divU(item, at('blocks')), int(GRADIENT_ROWS))),
      count.set(i32.sub(int(outputs), firstRow)),
      count.set(minimum(count, int(GRADIENT_ROWS))),
      memoryFill(scratch, int(0), int(PANELS)),
      memoryFill(part(ROW), int(0), int(BLOCK_BYTES)),
      whileTrue(i32.ltU(first, at('rows')), [
        steps.set(i32.sub(at('rows'), first)),
        steps.set(minimum(steps, int(STEPS))),
        d.set(place(at('dOutput'), first, outputRow)),
        packInput(i32.add(place(at('input'), first, inputRow), column), d, steps, width, padded, scratch),
        d.set(i32.add(d, i32.mul(firstRow, int(bytes)))),
        row.set(int(0)),
        whileTrue(i32.ltU(row, count), [
          n.set(i32.sub(count, row)),
          n.set(nextHeight(n, relaxed)),
          ofHeight(n, relaxed, group),
        ]),
        first.set(i32.add(first, steps)),
      ]),
      c.set(i32.add(place(at('dWeight'), firstRow, inputRow), column)),
      row.set(int(0)),
      whileTrue(i32.ltU(row, count), [
        memoryCopy(c, place(scratch, row, BLOCK_BYTES), width),
        c.set(i32.add(c, int(inputRow))),
        row.set(i32.add(row, int(1))),
      ]),
      bias
        ? when(i32.eqz(column), [
            row.set(int(0)),
            whileTrue(i32.ltU(row, count), [
              n.set(i32.sub(count, row)),
              n.set(nextHeight(n, relaxed)),
              memoryCopy(place(at('dBias'), i32.add(firstRow, row), bytes), biasOf, i32.mul(n, int(bytes))),
              row.set(i32.add(row, n)),
            ]),
          ])
        : [],
    ];
  });
}

/**
 * A function (input, dOutput, steps, width, padded, scratch) that copies `width` bytes of rows into panels of `steps` rows each.
 * The row in the scratch, through which rows go that end within a panel, is 0 behind them.
 */
function inputPacker(
  module: ModuleBuilder,
  { vector, scalar, bytes, tileVectors }: Element,
  inputRow: number,
  outputRow: number,
): Callable<['i32', 'i32', 'i32', 'i32', 'i32', 'i32']> {
  const parameters = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, input, dOutput, steps, width, padded, scratch) => {
    const [k, from, to, end, step, isDirty] = body.locals('i32', 6);
    const [trace, zero] = body.locals('v128', 2);
    const vectors: readonly Variable<'v128'>[] = body.locals('v128', tileVectors);
    const [first, ...others] = vectors;
    const panelRow = 16 * tileVectors;
    const row = i32.add(scratch, int(ROW));
    const begin = [
      to.set(i32.add(i32.add(scratch, int(PANELS)), i32.mul(k, int(panelRow)))),
      step.set(i32.mul(steps, int(panelRow))),
      end.set(i32.add(from, padded)),
    ];
    const next = [from.set(i32.add(from, int(panelRow))), to.set(i32.add(to, step))];
    return [
      zero.set(vector.splat(scalar.const(0))),
      trace.set(zero),
      whileTrue(i32.ltU(k, steps), [
        // Whole panels are read where they are.
        from.set(input),
        when(i32.ltU(width, padded), [memoryCopy(row, input, width), from.set(row)]),
        begin,
        repeatWhile(i32.ltU(from, end), [
          vectors.map((x, n) => x.set(v128.load(from, 16 * n))),
          trace.set(vector.add(trace, vector.mul(others.reduce<Code<'v128'>>(vector.add, first!), zero))),
          vectors.map((x, n) => v128.store(to, x, 16 * n)),
          next,
        ]),
        input.set(i32.add(input, int(inputRow))),
        k.set(i32.add(k, int(1))),
      ]),
      // NaN alone differs from itself. A sum of numbers may be infinite where they are not: rows are then tested in vain.
      when(v128.anyTrue(v128.not(vector.eq(trace, trace))), [
        k.set(int(0)),
        whileTrue(i32.ltU(k, steps), [
          isDirty.set(int(0)),
          from.set(dOutput),
          end.set(i32.add(dOutput, int(outputRow))),
          whileTrue(i32.ltU(from, end), [
            isDirty.set(i32.or(isDirty, scalar.ne(scalar.load(from), scalar.const(0)))),
            from.set(i32.add(from, int(bytes))),
          ]),
          when(i32.eqz(isDirty), [
            from.set(row),
            begin,
            repeatWhile(i32.ltU(from, end), [vectors.map((_, n) => v128.store(to, zero, 16 * n)), next]),
          ]),
          dOutput.set(i32.add(dOutput, int(outputRow))),
          k.set(i32.add(k, int(1))),
        ]),
      ]),
    ];
  });
}

/** A function (from, steps, to) that puts columns of `steps` rows side by side, step after step. */
function columnPacker(
  module: ModuleBuilder,
  { scalar, bytes }: Element,
  columns: number,
  outputRow: number,
): Callable<['i32', 'i32', 'i32']> {
  const size = columns * bytes;
  return module.function({ parameters: ['i32', 'i32', 'i32'] }, (body, from, steps, to) => {
    const end = body.local('i32');
    const wholes = Array.from({ length: Math.floor(size / 16) }, (_, n) => 16 * n);
    // What is stored after the last column is overwritten by the next step.
    const copy: Block =
      columns === 1
        ? scalar.store(to, scalar.load(from))
        : [
            wholes.map((at) => v128.store(to, v128.load(from, at), at)),
            size % 16 < 8 ? [] : v128.store(to, v128.load64Zero(from, size & -16), size & -16),
            size % 8 === 0 ? [] : v128.store(to, v128.load32Zero(from, size - 4), size - 4),
          ];
    return [
      end.set(i32.add(to, i32.mul(steps, int(size)))),
      repeatWhile(i32.ltU(to, end), [
        copy,
        from.set(i32.add(from, int(outputRow))),
        to.set(i32.add(to, int(size))),
      ]),
    ];
  });
}

/** A function (from, steps, sums) that adds packed columns to their sums. */
function columnAdder(
  module: ModuleBuilder,
  { vector, scalar, type, bytes }: Element,
  columns: number,
): Callable<['i32', 'i32', 'i32']> {
  const size = columns * bytes;
  return module.function({ parameters: ['i32', 'i32', 'i32'] }, (body, from, steps, sums) => {
    const end = body.local('i32');
    const step = from.set(i32.add(from, int(size)));
    const begin = end.set(i32.add(from, i32.mul(steps, int(size))));
    if (columns === 1) {
      const sum = body.local(type);
      return [
        begin,
        sum.set(scalar.load(sums)),
        repeatWhile(i32.ltU(from, end), [sum.set(scalar.add(sum, scalar.load(from))), step]),
        scalar.store(sums, sum),
      ];
    }
    const parts = Array.from({ length: Math.ceil(size / 16) }, (_, n) => ({
      at: 16 * n,
      sum: body.local('v128'),
    }));
    return [
      begin,
      parts.map(({ at, sum }) => sum.set(v128.load(sums, at))),
      repeatWhile(i32.ltU(from, end), [
        parts.map(({ at, sum }) => sum.set(vector.add(sum, v128.load(from, at)))),
        step,
      ]),
      parts.map(({ at, sum }) => v128.store(sums, sum, at)),
    ];
  });
}
