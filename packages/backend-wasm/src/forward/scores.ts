import { type Block, type Code, type Locals, type Variable, after, i32, int, when } from '@heed/core/wasm';
import { type Context, maximum, minimum, place } from '../module/context.ts';
import { type TileMultiplier, multiplyTiles } from '../module/multiply.ts';
import type { DirectMultiplier, RowGroupScorer } from './direct.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';
import { scoreSteps } from './score-steps.ts';

/** A function of `multiply.ts` for rows packed [depth, rows] and columns packed [depth, columns]: (rows, columns, to, rowsEnd). */
export function panelMultiplier({ module, element, tiling }: Context): TileMultiplier {
  const { rows, columns, scoreStride } = tiling;
  return multiplyTiles(module, element, {
    rows,
    aRow: element.bytes,
    aStep: rows * element.bytes,
    bStep: columns * element.bytes,
    bTiles: 'panels',
    cRow: scoreStride * element.bytes,
    begin: 'zero',
  });
}

/**
 * A function (rowGroup, tile) → i32: the scores of a row group, by the number of its first row in the block, with the
 * keys of the open tile that begins at key `tile`. −∞ means excluded, and NaN that the key is attended to and
 * non-finite. It sets `from` and `to` of the item, and returns whether any row may see any key; if not, nothing is
 * written.
 *
 * @param multiply where keys are packed, or where they are read in place.
 */
export function rowGroupScorer(
  context: Context,
  multiply: { readonly packed: TileMultiplier } | { readonly inPlace: DirectMultiplier },
): RowGroupScorer {
  const { module, variant, needs, element, tiling, item, scratch } = context;
  const { rows, scoreStride } = tiling;
  const queryBytes = variant.headDim * element.bytes;
  const steps = scoreSteps(context);

  return module.function({ parameters: ['i32', 'i32'], result: 'i32' }, (body, rowGroup, tile) => {
    const [query, record, scores] = body.locals('i32', 3);
    const product =
      'packed' in multiply
        ? multiply.packed(
            query,
            place(item.keyAt, item.from, queryBytes),
            i32.add(scores, element.size(item.from)),
            i32.add(query, int(rows * queryBytes)),
            i32.add(scores, element.size(item.to)),
            int(0),
          )
        : multiply.inPlace(query, tile, scores);
    const eachRow = Array.from({ length: rows }, (_, r) =>
      steps(
        i32.add(record, int(r * RECORD_BYTES)),
        i32.add(scores, int(r * scoreStride * element.bytes)),
        tile,
      ),
    );
    return after(
      [
        record.set(i32.add(item.scratch, place(int(scratch.records), rowGroup, RECORD_BYTES))),
        visibleRange(context, record, tile),
        query.set(i32.add(item.scratch, place(int(scratch.query), rowGroup, queryBytes))),
        scores.set(i32.add(item.scratch, int(scratch.scores))),
        // The gradient keeps the scores of all rows of the block.
        variant.pass === 'gradient' ? scores.set(place(scores, rowGroup, scoreStride * element.bytes)) : [],
        when(i32.geS(item.from, item.to), body.return(int(0))),
        product,
        needs.steps ? eachRow : when(needsSteps(context, body, record, tile), eachRow),
      ],
      int(1),
    );
  });
}

/**
 * Sets `from` and `to` to the register tiles that hold the keys that some row of the row group sees. The gradient, which
 * sums over the rows of the block, takes the whole tile.
 */
function visibleRange(context: Context, record: Code<'i32'>, tile: Code<'i32'>): Block {
  const { variant, tiling, item } = context;
  const { rows, columns } = tiling;
  const over = (target: Variable<'i32'>, field: 'first' | 'end', choose: typeof minimum): Block =>
    Array.from({ length: rows }, (_, r) => {
      const next = i32.load(record, r * RECORD_BYTES + RECORD[field]);
      return target.set(r === 0 ? next : choose(target, next));
    });
  return [
    over(item.from, 'first', minimum),
    item.from.set(i32.sub(item.from, tile)),
    item.from.set(i32.and(maximum(item.from, int(0)), int(-columns))),
    over(item.to, 'end', maximum),
    item.to.set(i32.sub(item.to, tile)),
    item.to.set(minimum(item.to, int(tiling.tileKeys))),
    item.to.set(i32.and(i32.add(item.to, int(columns - 1)), int(-columns))),
    variant.pass === 'gradient'
      ? when(i32.ltS(item.from, item.to), [item.from.set(int(0)), item.to.set(tileWidth(context, tile))])
      : [],
  ];
}

/** Code that says whether a row of the row group does not see all of the keys from … to, or anything is non-finite. */
function needsSteps(
  { tiling, item }: Context,
  body: Locals,
  record: Code<'i32'>,
  tile: Code<'i32'>,
): Code<'i32'> {
  const needed = body.local('i32');
  const first = i32.add(tile, item.from);
  const end = i32.add(tile, item.to);
  const ofRow = (r: number): Code<'i32'> => {
    const field = (name: 'first' | 'end' | 'nonFinite'): Code<'i32'> =>
      i32.load(record, r * RECORD_BYTES + RECORD[name]);
    return i32.or(field('nonFinite'), i32.or(i32.gtS(field('first'), first), i32.ltS(field('end'), end)));
  };
  return after(
    [
      needed.set(item.tileNonFinite),
      Array.from({ length: tiling.rows }, (_, r) => needed.set(i32.or(needed, ofRow(r)))),
    ],
    needed,
  );
}

/** Keys of a tile, in whole register tiles. */
export function tileWidth({ tiling, frame }: Context, tile: Code<'i32'>): Code<'i32'> {
  const keys = i32.sub(frame.integer('keyLength'), tile);
  const whole = i32.and(i32.add(keys, int(tiling.columns - 1)), int(-tiling.columns));
  return minimum(whole, int(tiling.tileKeys));
}
