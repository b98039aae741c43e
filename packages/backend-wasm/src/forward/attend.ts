import {
  type Block,
  type Code,
  type Variable,
  count,
  i32,
  int,
  memoryFill,
  when,
  whileTrue,
} from '@heed/core/wasm';
import { directAbsorber, directMultiplier } from './direct.ts';
import { weightDropper } from './dropout.ts';
import { rowFinisher } from './finish.ts';
import { type Context, ITEM_PARAMETERS, maximum, minimum } from '../module/context.ts';
import { partialWriter } from './splits.ts';
import { RECORD_BYTES } from '../plan/records.ts';
import { blockOpener } from './block.ts';
import { panelMultiplier, rowGroupScorer } from './scores.ts';
import { candidateChooser } from './selection.ts';
import { onlineSoftmax } from './softmax.ts';
import { openItem } from './item.ts';
import { tileOpener } from './tiles.ts';
import { valueAdder } from './values.ts';
import { panelMaker } from './widen.ts';
import { scoreKeeper } from './weights.ts';

/**
 * Phase `attend` (item: block of query rows, split of the keys, key/value head).
 *
 * Makes one pass over tiles of keys for each block of query rows (Dao, Fu, Ermon, Rudra and Ré, "FlashAttention",
 * NeurIPS 2022, algorithm 1; with the queries in the outer loop and one division at the end as in Dao,
 * "FlashAttention-2", 2023, section 3.1). Keys and values of a tile stay in the second-level cache for all rows of the
 * block; the scores of one row group, as many rows as a register tile has, stay in the first-level cache between
 * product and softmax and values.
 */
export function attendPhase(context: Context): void {
  const { module, variant, needs, element, tiling, item, scratch } = context;
  const soft = variant.selection === 'softmax';
  const open = blockOpener(context);
  const makePanel = variant.direct ? panelMaker(context) : null;
  const openTile = tileOpener(context, makePanel);
  const score = rowGroupScorer(
    context,
    variant.direct ? { inPlace: directMultiplier(context, makePanel) } : { packed: panelMultiplier(context) },
  );
  const softmax = needs.softmax ? onlineSoftmax(context) : null;
  const addValues = needs.sumsValues && !variant.direct ? valueAdder(context) : null;
  const drop = variant.dropout && !variant.direct ? weightDropper(context) : null;
  const absorbDirectly =
    softmax !== null && needs.sumsValues && variant.direct
      ? directAbsorber(context, { score, softmax, makePanel })
      : null;
  const choose = soft ? null : candidateChooser(context);
  const keepScores = soft && needs.wants('weights') ? scoreKeeper(context) : null;
  const finish = variant.split ? partialWriter(context) : rowFinisher(context);
  module.function({ parameters: ITEM_PARAMETERS, name: 'attend' }, (body, index, frame, threadScratch) => {
    const [tile, end, rowGroup, record, scores, r] = body.locals('i32', 6);
    const at = (start: number): Code<'i32'> => i32.add(item.scratch, int(start));
    /** For each row of the row group; `scores` is where the tile's first key lies. */
    const eachRow = (code: Block): Block => [
      record.set(i32.add(at(scratch.records), i32.mul(rowGroup, int(RECORD_BYTES)))),
      scores.set(at(scratch.scores)),
      count(r, int(0), int(tiling.rows), 1, [
        code,
        record.set(i32.add(record, int(RECORD_BYTES))),
        scores.set(i32.add(scores, int(tiling.scoreStride * element.bytes))),
      ]),
    ];
    // Rows past the last one, of the last register tile, have no place among the weights.
    const isRow = i32.ltU(i32.add(rowGroup, r), item.count);
    const takeIn: Block = [
      choose === null ? [] : eachRow(choose(record, scores, tile)),
      softmax === null
        ? []
        : softmax(
            i32.add(at(scratch.records), i32.mul(rowGroup, int(RECORD_BYTES))),
            i32.add(at(scratch.scores), element.size(item.from)),
            i32.add(at(scratch.scores), element.size(item.to)),
            at(scratch.factors),
          ),
    ];
    const absorb: Block = [
      keepScores === null ? [] : eachRow(when(isRow, keepScores(record, scores, tile))),
      absorbDirectly === null
        ? [
            takeIn,
            drop === null ? [] : eachRow(drop(record, scores, tile)),
            addValues === null ? [] : addValues(rowGroup),
          ]
        : absorbDirectly(rowGroup, tile),
    ];
    const outputBytes = tiling.blockRows * tiling.valueColumns * element.bytes;
    return [
      openItem(
        context,
        index,
        frame,
        threadScratch,
        variant.split ? context.frame.integer('splits') : int(1),
      ),
      open(),
      variant.direct && variant.pages !== null
        ? memoryFill(at(scratch.zeros), int(0), int(scratch.pageless - scratch.zeros))
        : [],
      needs.sumsValues ? memoryFill(at(scratch.output), int(0), int(outputBytes)) : [],
      variant.split ? ownSplit(context, end) : end.set(item.endKey),
      tile.set(i32.sub(item.firstKey, i32.remU(item.firstKey, int(tiling.tileKeys)))),
      whileTrue(i32.ltS(tile, end), [
        openTile(tile),
        count(rowGroup, int(0), item.count, tiling.rows, when(score(rowGroup, tile), absorb)),
        tile.set(i32.add(tile, int(tiling.tileKeys))),
      ]),
      finish(),
    ];
  });
}

/** Keys of the item's split among those that the block sees. */
function ownSplit({ frame, item }: Context, end: Variable<'i32'>): Block {
  const first = i32.mul(item.split, frame.integer('splitKeys'));
  return [
    end.set(i32.add(first, frame.integer('splitKeys'))),
    end.set(minimum(end, item.endKey)),
    item.firstKey.set(maximum(item.firstKey, first)),
  ];
}
