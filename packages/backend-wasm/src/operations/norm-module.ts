import type { ComputeDType, NormProblem } from '@heed/core';
import {
  type Block,
  type Code,
  type Locals,
  type ModuleBuilder,
  type Variable,
  convert,
  f64,
  f64x2,
  i32,
  int,
  memoryFill,
  v128,
  when,
  whileTrue,
} from '@heed/core/wasm';
import { ITEM_PARAMETERS, minimum, place } from '../module/context.ts';
import { type Element, elementOf } from '../module/element.ts';
import { fieldsOf } from './frame.ts';

/** Properties that a module is generated for. */
export interface NormVariant extends Pick<Required<NormProblem>, 'kind' | 'width' | 'epsilon' | 'bias'> {
  readonly dtype: ComputeDType;
}

/** Vectors of dWeight and dBias that a task sums over the blocks. */
export const SUM_VECTORS = 64;

/** Rows of a block, whose number depends on the width alone. Fewer would make sums of blocks more to read than the rows. */
export const blockRows = (width: number): number => Math.min(64, Math.max(8, Math.floor(2 ** 14 / width)));

/** Bytes of a row in whole vectors. */
export const paddedBytes = ({ width, dtype }: Pick<NormVariant, 'width' | 'dtype'>): number =>
  Math.ceil((width * (dtype === 'float64' ? 8 : 4)) / 16) * 16;

/** A row: whole vectors in a loop, then the elements behind them. */
interface Row {
  readonly element: Element;
  /** Bytes of whole vectors. */
  readonly whole: number;
  /** Number of elements behind them: less than a vector has. */
  readonly rest: number;
  readonly bytes: number;
}

function rowOf(element: Element, width: number): Row {
  const { lanes, bytes } = element;
  const rest = width % lanes;
  return { element, rest, whole: (width - rest) * bytes, bytes: width * bytes };
}

/** Runs code for each vector of a row: its offset in bytes, and ways to read and write it; 0 in lanes that are not in the row. */
function eachVector(
  row: Row,
  at: Variable<'i32'>,
  visit: (
    load: (base: Code<'i32'>) => Code<'v128'>,
    store: (base: Code<'i32'>, value: Variable<'v128'>) => Block,
    isPart: boolean,
  ) => Block,
): Block {
  const address = (base: Code<'i32'>) => i32.add(base, at);
  return [
    at.set(int(0)),
    whileTrue(i32.ltU(at, int(row.whole)), [
      visit(
        (base) => v128.load(address(base)),
        (base, value) => v128.store(address(base), value),
        false,
      ),
      at.set(i32.add(at, int(16))),
    ]),
    row.rest === 0
      ? []
      : visit(
          (base) => loadPart(row, address(base)),
          (base, value) => storePart(row, address(base), value),
          true,
        ),
  ];
}

function loadPart({ element: { bytes }, rest }: Row, from: Code<'i32'>): Code<'v128'> {
  const size = rest * bytes;
  if (size === 4) return v128.load32Zero(from);
  if (size === 8) return v128.load64Zero(from);
  const third = [16, 17, 18, 19, 20, 20, 20, 20];
  return v128.shuffle(v128.load64Zero(from), v128.load32Zero(from, 8), [0, 1, 2, 3, 4, 5, 6, 7, ...third]);
}

function storePart({ element: { vector, bytes }, rest }: Row, to: Code<'i32'>, value: Code<'v128'>): Block {
  return Array.from({ length: rest }, (_, lane) => vector.storeLane(to, value, lane, lane * bytes));
}

/** All bits of the lanes that are in the row, of the vector of float64 number n behind the whole vectors. */
function laneMask({ rest }: Row, n: number): Code<'v128'> {
  return v128.const(Array.from({ length: 16 }, (_, byte) => (2 * n + (byte >> 3) < rest ? 255 : 0)));
}

/** Numbers of a vector in float64, two at a time. */
function doubles({ dtype }: Element, x: Variable<'v128'>): Code<'v128'>[] {
  if (dtype === 'float64') return [x];
  const upper = v128.shuffle(x, x, [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
  return [convert.f64x2FromF32x4(x), convert.f64x2FromF32x4(upper)];
}

/** Sums in float64 of the numbers of vectors. */
interface Sums {
  readonly clear: Block;
  /** Adds each number, in float64, to the sum. */
  add(numbers: readonly Code<'v128'>[]): Block;
  /** Adds the square of each number. */
  addSquares(numbers: readonly Variable<'v128'>[]): Block;
  readonly total: Code<'f64'>;
}

function sumsIn(body: Locals, wide: Element): Sums {
  const parts = body.locals('v128', 2);
  const both = f64x2.add(parts[0], parts[1]);
  const sum = body.local('v128');
  return {
    clear: parts.map((part) => part.set(f64x2.splat(f64.const(0)))),
    add: (numbers) => numbers.map((x, n) => parts[n]!.set(f64x2.add(parts[n]!, x))),
    addSquares: (numbers) => numbers.map((x, n) => parts[n]!.set(wide.madd(x, x, parts[n]!))),
    total: f64.add(f64x2.extract(sum.tee(both), 0), f64x2.extract(sum, 1)),
  };
}

/** The mean of a row in two parts whose sum is more exact than one, and 1 / √(v + ε), in each lane. */
interface Moments {
  /** Computes them of the row at an address. */
  compute(input: Code<'i32'>): Block;
  /** The normalized numbers of a vector of the row. */
  normal(x: Code<'v128'>): Code<'v128'>;
  readonly inverse: Variable<'v128'>;
}

/**
 * The sums of x − shift and of its squares, with the first number of the row as shift: its distance from the mean is at most
 * √width deviations, and so the difference of squares loses less than width · 2⁻⁵³ of v (Chan, Golub and LeVeque, "Algorithms for
 * computing the sample variance", The American Statistician 1983). Numbers of float64 are centered by their mean first.
 */
function momentsIn(
  body: Locals,
  row: Row,
  at: Variable<'i32'>,
  { kind, width, epsilon }: NormVariant,
): Moments {
  const { element } = row;
  const { vector, scalar, dtype } = element;
  const wide = elementOf('float64', element.fused, false);
  const centered = kind === 'layer';
  const [mean, rest, inverse, x, shift] = body.locals('v128', 5);
  const numbers = body.locals('v128', 2);
  const [first, part, v] = body.locals('f64', 3);
  const [sum, squares] = [sumsIn(body, wide), sumsIn(body, wide)];
  const count = f64.const(width);
  const sums = (input: Code<'i32'>): Block => [
    shift.set(f64x2.splat(first)),
    sum.clear,
    squares.clear,
    eachVector(row, at, (load, _, isPart) => {
      const centeredBy = (pair: Code<'v128'>) => (centered ? f64x2.sub(pair, shift) : pair);
      const given = doubles(element, x).map(centeredBy);
      const used = numbers.slice(0, given.length);
      return [
        x.set(load(input)),
        // Lanes that are not in the row must not add the shift.
        given.map((pair, n) => used[n]!.set(isPart ? v128.and(pair, laneMask(row, n)) : pair)),
        centered ? sum.add(used) : [],
        squares.addSquares(used),
      ];
    }),
  ];
  const limit = dtype === 'float64' ? 2 ** 1023 : 2 ** 127;
  return {
    compute: (input) => [
      first.set(centered ? element.toF64(scalar.load(input)) : f64.const(0)),
      sums(input),
      centered && dtype === 'float64'
        ? [first.set(f64.add(first, f64.div(sum.total, count))), sums(input)]
        : [],
      part.set(centered ? f64.div(sum.total, count) : f64.const(0)),
      first.set(f64.add(first, part)),
      // Of equal numbers it may be rounded to less than 0; NaN stays.
      v.set(f64.max(f64.sub(f64.div(squares.total, count), f64.mul(part, part)), f64.const(0))),
      // A tiny epsilon would make infinity of a row of zeros.
      v.set(f64.min(f64.div(f64.const(1), f64.sqrt(f64.add(v, f64.const(epsilon)))), f64.const(limit))),
      inverse.set(vector.splat(element.fromF64(v))),
      mean.set(vector.splat(element.fromF64(first))),
      rest.set(vector.splat(element.fromF64(f64.sub(first, element.toF64(element.fromF64(first)))))),
    ],
    normal: (value) => vector.mul(centered ? vector.sub(vector.sub(value, mean), rest) : value, inverse),
    inverse,
  };
}

/**
 * Norms of rows, two exports: `norm(item, frame, scratch)` and, for the gradient, `normGradient` with `sumBlocks` behind it. An item is a
 * block of rows. A row is read from memory once, and again from the first-level cache. Sums along a row are in float64, so that
 * squares of large numbers do not overflow. dWeight and dBias are sums over all rows: each block sums its own, and `sumBlocks` sums over
 * the blocks in their order, a strip of columns an item, so that threads change no bit.
 */
export function writeNorm(module: ModuleBuilder, element: Element, variant: NormVariant): void {
  const row = rowOf(element, variant.width);
  writeForward(module, row, variant);
  writeGradient(module, row, variant);
  writeSums(module, row, variant);
}

/** Runs code for each row of an item's block. */
function eachRow(
  body: Locals,
  item: Code<'i32'>,
  allRows: Code<'i32'>,
  width: number,
  visit: (index: Variable<'i32'>) => Block,
): Block {
  const [index, end, rows] = body.locals('i32', 3);
  return [
    index.set(i32.mul(item, int(blockRows(width)))),
    end.set(i32.add(index, int(blockRows(width)))),
    rows.set(allRows),
    end.set(minimum(end, rows)),
    whileTrue(i32.ltU(index, end), [visit(index), index.set(i32.add(index, int(1)))]),
  ];
}

function writeForward(module: ModuleBuilder, row: Row, variant: NormVariant): void {
  const { madd, vector } = row.element;
  module.function({ parameters: ITEM_PARAMETERS, name: 'norm' }, (body, item, frame) => {
    const given = fieldsOf(frame);
    const [at, input, output, weight, bias] = body.locals('i32', 5);
    const y = body.local('v128');
    const moments = momentsIn(body, row, at, variant);
    return [
      weight.set(given('weight')),
      bias.set(given('bias')),
      eachRow(body, item, given('rows'), variant.width, (index) => [
        input.set(place(given('input'), index, row.bytes)),
        output.set(place(given('output'), index, row.bytes)),
        moments.compute(input),
        eachVector(row, at, (load, store) => {
          const normal = moments.normal(load(input));
          return [
            y.set(variant.bias ? madd(normal, load(weight), load(bias)) : vector.mul(normal, load(weight))),
            store(output, y),
          ];
        }),
      ]),
    ];
  });
}

/** dX = inverse · (dN − mean(dN) − n · mean(dN · n)) + dResidual; dY · n and dY are added to the sums of the block. */
function writeGradient(module: ModuleBuilder, row: Row, variant: NormVariant): void {
  const { element } = row;
  const { madd, nmadd, vector, scalar } = element;
  const { width, kind } = variant;
  const centered = kind === 'layer';
  const padded = paddedBytes(variant);
  const wide = elementOf('float64', element.fused, false);
  module.function({ parameters: ITEM_PARAMETERS, name: 'normGradient' }, (body, item, frame) => {
    const given = fieldsOf(frame);
    const [at, input, output, weight, d, residual, sums, sumAt] = body.locals('i32', 8);
    const hasInfluence = body.local('i32');
    const [x, dy, n, dN, mean, slope, zero] = body.locals('v128', 7);
    const moments = momentsIn(body, row, at, variant);
    const [sum, along] = [sumsIn(body, wide), sumsIn(body, wide)];
    const meanOf = ({ total }: Sums): Code<'v128'> =>
      vector.splat(element.fromF64(f64.div(total, f64.const(width))));
    const addTo = (to: Code<'i32'>, value: (before: Code<'v128'>) => Code<'v128'>): Block => [
      sumAt.set(i32.add(to, at)),
      v128.store(sumAt, value(v128.load(sumAt))),
    ];
    const gradient: Block = [
      moments.compute(input),
      sum.clear,
      along.clear,
      eachVector(row, at, (load) => [
        dy.set(load(d)),
        n.set(moments.normal(load(input))),
        // Lanes past the row have a normal of any number, and a gradient of 0.
        addTo(sums, (before) => madd(dy, n, before)),
        addTo(i32.add(sums, int(padded)), (before) => vector.add(before, dy)),
        dN.set(vector.mul(dy, load(weight))),
        n.set(vector.mul(n, dN)),
        centered ? sum.add(doubles(element, dN)) : [],
        along.add(doubles(element, n)),
      ]),
      centered ? mean.set(meanOf(sum)) : [],
      slope.set(meanOf(along)),
      eachVector(row, at, (load, store) => [
        n.set(moments.normal(load(input))),
        dN.set(vector.mul(load(d), load(weight))),
        x.set(nmadd(n, slope, centered ? vector.sub(dN, mean) : dN)),
        x.set(vector.mul(x, moments.inverse)),
        store(output, x),
      ]),
    ];
    return [
      weight.set(given('weight')),
      zero.set(vector.splat(scalar.const(0))),
      sums.set(place(given('sums'), item, 2 * padded)),
      memoryFill(sums, int(0), int(2 * padded)),
      eachRow(body, item, given('rows'), width, (index) => [
        input.set(place(given('input'), index, row.bytes)),
        output.set(place(given('dInput'), index, row.bytes)),
        d.set(place(given('dOutput'), index, row.bytes)),
        // A row without influence may hold NaN. Others rarely begin with 0.
        hasInfluence.set(int(0)),
        eachVector(row, at, (load) => [
          hasInfluence.set(i32.or(hasInfluence, v128.anyTrue(v128.not(vector.eq(load(d), zero))))),
          when(hasInfluence, at.set(int(row.whole))),
        ]),
        when(hasInfluence, gradient, memoryFill(output, int(0), int(row.bytes))),
        residual.set(given('residual')),
        when(residual, [
          residual.set(place(residual, index, row.bytes)),
          eachVector(row, at, (load, store) => [
            x.set(vector.add(load(output), load(residual))),
            store(output, x),
          ]),
        ]),
      ]),
    ];
  });
}

/** Sums over the blocks, in their order, of {@link SUM_VECTORS} vectors of columns. */
function writeSums(module: ModuleBuilder, { element, bytes: rowBytes }: Row, variant: NormVariant): void {
  const { bytes, lanes, scalar } = element;
  const padded = paddedBytes(variant);
  const perVector = element.dtype === 'float64' ? 1 : 2;
  module.function({ parameters: ITEM_PARAMETERS, name: 'sumBlocks' }, (body, item, frame) => {
    const given = fieldsOf(frame);
    const [at, end, from, to, block, blocks] = body.locals('i32', 6);
    const x = body.local('v128');
    const sums = body.locals('v128', perVector);
    const strip = (start: number, result: Code<'i32'>): Block => [
      at.set(i32.mul(item, int(16 * SUM_VECTORS))),
      end.set(i32.add(at, int(16 * SUM_VECTORS))),
      end.set(minimum(end, int(padded))),
      whileTrue(i32.ltU(at, end), [
        sums.map((sum) => sum.set(f64x2.splat(f64.const(0)))),
        from.set(i32.add(i32.add(given('sums'), int(start)), at)),
        block.set(int(0)),
        whileTrue(i32.ltU(block, blocks), [
          x.set(v128.load(from)),
          doubles(element, x).map((pair, n) => sums[n]!.set(f64x2.add(sums[n]!, pair))),
          from.set(i32.add(from, int(2 * padded))),
          block.set(i32.add(block, int(1))),
        ]),
        to.set(i32.add(result, at)),
        Array.from({ length: lanes }, (_, lane) =>
          when(
            i32.ltU(at, int(rowBytes - lane * bytes)),
            scalar.store(to, element.fromF64(f64x2.extract(sums[lane >> 1]!, lane & 1)), lane * bytes),
          ),
        ),
        at.set(i32.add(at, int(16))),
      ]),
    ];
    return [
      blocks.set(given('blocks')),
      strip(0, given('dWeight')),
      variant.bias ? strip(padded, given('dBias')) : [],
    ];
  });
}
