import {
  type Block,
  type Callable,
  type Code,
  type Variable,
  count,
  i32,
  int,
  memoryFill,
  when,
  whileTrue,
} from '@heed/core/wasm';
import { rowWriter } from '../forward/finish.ts';
import { gradientRowOpener, queryRow } from './rows.ts';
import { meanAdder, meanFinisher } from './means.ts';
import { scoreGradient } from './scores.ts';
import { type Context, ITEM_PARAMETERS, minimum, place } from '../module/context.ts';
import { type TileMultiplier, multiplyTiles } from '../module/multiply.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';
import { blockOpener } from '../forward/block.ts';
import { panelMultiplier, rowGroupScorer, tileWidth } from '../forward/scores.ts';
import { tileOpener } from '../forward/tiles.ts';

/** Addresses of an item's own sums. */
type Sums = Readonly<Record<'key' | 'value' | 'bias' | 'sink', Variable<'i32'>>>;

/**
 * Phase `gradient` (item: chunk of a key/value head): the gradients, from weights that are computed anew tile by tile
 * (Dao, Fu, Ermon, Rudra and Ré, "FlashAttention", NeurIPS 2022, algorithm 4 and appendix B.2):
 *
 *     dV = Pᵀ dO     dP = dO Vᵀ     dS = P ∘ (dP − rowsum(dO ∘ O))     dQ = scale · dS K     dK = scale · dSᵀ Q
 *
 * With dropout, P of dV and dP are multiplied by 0 or 1 / (1 − p).
 *
 * The block of queries is in the outer loop, as in forward. The blocks of a head are dealt out to chunks, one after
 * another, so that causal ones weigh the same; each chunk has its own sums of dK and dV, and `reduce` adds the chunks
 * in their order. The number of chunks depends on the lengths alone, not on the threads.
 */
export function gradientPhase(context: Context): void {
  const { module, variant, element, storage, tiling, frame, item, scratch } = context;
  const { rows, scoreStride } = tiling;
  const open = blockOpener(context);
  const openRows = gradientRowOpener(context);
  const openTile = tileOpener(context);
  const multiply = panelMultiplier(context);
  const score = rowGroupScorer(context, { packed: multiply });
  const multiplyValues = valueMultiplier(context, multiply);
  const scoreRow = scoreGradient(context);
  const addQueries = queryAdder(context);
  const addKeys = keyAdder(context);
  const addMean = storage.half ? meanAdder(context) : null;
  const finishMeans = storage.half ? meanFinisher(context) : null;
  const writeQuery = rowWriter(context, variant.headDim, storage);
  module.function(
    { parameters: ITEM_PARAMETERS, name: 'gradient' },
    (body, index, frameAddress, threadScratch) => {
      const [keySums, valueSums, biasSums, sinkSums] = body.locals('i32', 4);
      const sums: Sums = { key: keySums, value: valueSums, bias: biasSums, sink: sinkSums };
      const [block, tile, end, rowGroup] = body.locals('i32', 4);
      /** Rows first … last − 1 of the block are those that attend to anything in the tile, and some between them. */
      const [first, last] = body.locals('i32', 2);
      const [record, scores, r] = body.locals('i32', 3);
      const at = (start: number, n: Code<'i32'>, size: number): Code<'i32'> =>
        place(i32.add(item.scratch, int(start)), n, size);
      const scoreBytes = scoreStride * element.bytes;
      const eachRow = (from: Code<'i32'>, to: Code<'i32'>, code: Block): Block =>
        count(r, from, to, 1, [
          record.set(at(scratch.records, r, RECORD_BYTES)),
          scores.set(at(scratch.scores, r, scoreBytes)),
          code,
        ]);
      const rowGroupEnd = minimum(i32.add(rowGroup, int(rows)), item.count);
      const headBiasSums = place(
        biasSums,
        i32.remU(i32.load(record, RECORD.head), frame.integer('headGroup')),
        frame.integer('biasSumsHead'),
      );
      const eachTile = (code: Block): Block => [
        tile.set(i32.sub(item.firstKey, i32.remU(item.firstKey, int(tiling.tileKeys)))),
        end.set(item.endKey),
        whileTrue(i32.ltS(tile, end), [openTile(tile), code, tile.set(i32.add(tile, int(tiling.tileKeys)))]),
      ];
      const attended: Block = [
        when(i32.eq(last, int(0)), first.set(rowGroup)),
        last.set(rowGroupEnd),
        multiplyValues(rowGroup),
        eachRow(rowGroup, last, scoreRow(record, scores, tile, headBiasSums)),
        addQueries(rowGroup, tile),
      ];
      const skipped = when(
        last,
        [scratch.scores, scratch.dScores].map((start) =>
          memoryFill(at(start, rowGroup, scoreBytes), int(0), int(rows * scoreBytes)),
        ),
      );
      const blockRows = frame.integer('blockRows');
      return [
        openChunk(context, { index: index, frame: frameAddress, scratch: threadScratch }, sums, block),
        whileTrue(i32.ltU(block, frame.integer('blocks')), [
          item.firstRow.set(i32.mul(block, blockRows)),
          item.count.set(i32.sub(frame.integer('rows'), item.firstRow)),
          item.count.set(minimum(item.count, blockRows)),
          open(),
          openRows(sinkSums),
          addMean === null || finishMeans === null
            ? []
            : [
                eachTile(
                  count(
                    rowGroup,
                    int(0),
                    item.count,
                    rows,
                    when(score(rowGroup, tile), [
                      multiplyValues(rowGroup),
                      eachRow(rowGroup, rowGroupEnd, addMean(record, scores, tile)),
                    ]),
                  ),
                ),
                finishMeans(sinkSums),
              ],
          eachTile([
            last.set(int(0)),
            count(rowGroup, int(0), item.count, rows, when(score(rowGroup, tile), attended, skipped)),
            when(last, addKeys(tile, first, i32.sub(last, first), keySums, valueSums)),
          ]),
          eachRow(
            int(0),
            item.count,
            writeQuery(
              at(scratch.dQuery, r, tiling.keyColumns * element.bytes),
              queryRow(context, record, frame.integer('dQuery')),
              element.fromF64(frame.float('scale')),
            ),
          ),
          block.set(i32.add(block, frame.integer('chunks'))),
        ]),
      ];
    },
  );
}

/** Finds out the item's work, and clears its sums. Its first block is the number of the chunk. */
function openChunk(
  { variant, frame, item }: Context,
  parameters: Readonly<Record<'index' | 'frame' | 'scratch', Variable<'i32'>>>,
  sums: Sums,
  chunk: Variable<'i32'>,
): Block {
  const head = i32.divU(parameters.index, frame.integer('chunks'));
  const own = i32.add(i32.mul(item.slot, frame.integer('chunks')), chunk);
  const open = (name: 'key' | 'value' | 'bias'): Block => [
    sums[name].set(place(frame.integer(`${name}Sums`), own, frame.integer(`${name}SumsChunk`))),
    memoryFill(sums[name], int(0), frame.integer(`${name}SumsChunk`)),
  ];
  const sinkBytes = i32.mul(frame.integer('headGroup'), int(8));
  return [
    item.frame.set(parameters.frame),
    item.scratch.set(parameters.scratch),
    item.batch.set(i32.divU(head, frame.integer('kvHeads'))),
    item.kvHead.set(i32.remU(head, frame.integer('kvHeads'))),
    item.slot.set(i32.remU(head, frame.integer('slots'))),
    chunk.set(i32.remU(parameters.index, frame.integer('chunks'))),
    open('key'),
    open('value'),
    variant.bias ? open('bias') : [],
    variant.sinks
      ? [
          sums.sink.set(i32.add(frame.integer('sinkSums'), i32.mul(own, sinkBytes))),
          memoryFill(sums.sink, int(0), sinkBytes),
        ]
      : [],
  ];
}

/** A function (rowGroup): dP = dO Vᵀ of a row group with the open tile. */
function valueMultiplier(context: Context, multiply: TileMultiplier): Callable<['i32']> {
  const { module, variant, element, tiling, item, scratch } = context;
  const { rows, scoreStride } = tiling;
  const depthBytes = variant.valueDim * element.bytes;
  return module.function({ parameters: ['i32'] }, (body, rowGroup) => {
    const [dOutput, to] = body.locals('i32', 2);
    return [
      dOutput.set(place(i32.add(item.scratch, int(scratch.dOutput)), rowGroup, depthBytes)),
      to.set(place(i32.add(item.scratch, int(scratch.dScores)), rowGroup, scoreStride * element.bytes)),
      multiply(
        dOutput,
        item.valueAt,
        to,
        i32.add(dOutput, int(rows * depthBytes)),
        i32.add(to, element.size(item.to)),
        int(0),
      ),
    ];
  });
}

/** A function (rowGroup, tile): dQ += dS K of a row group, without the scale. */
function queryAdder({ module, element, tiling, frame, item, scratch }: Context): Callable<['i32', 'i32']> {
  const { rows, keyColumns, scoreStride } = tiling;
  const { bytes } = element;
  const rowBytes = keyColumns * bytes;
  const multiply = multiplyTiles(module, element, {
    rows,
    aRow: scoreStride * bytes,
    aStep: bytes,
    bStep: rowBytes,
    bTiles: 'rows',
    cRow: rowBytes,
    begin: 'C',
  });
  return module.function({ parameters: ['i32', 'i32'] }, (body, rowGroup, tile) => {
    const [dScores, keys, to] = body.locals('i32', 3);
    return [
      dScores.set(place(i32.add(item.scratch, int(scratch.dScores)), rowGroup, scoreStride * bytes)),
      keys.set(place(frame.integer('keyRows'), item.slot, frame.integer('keyRowsSlot'))),
      keys.set(place(keys, tile, rowBytes)),
      to.set(place(i32.add(item.scratch, int(scratch.dQuery)), rowGroup, rowBytes)),
      multiply(
        dScores,
        keys,
        to,
        i32.add(dScores, element.size(item.to)),
        i32.add(to, int(rowBytes)),
        int(0),
      ),
    ];
  });
}

/**
 * A function (tile, first, depth, keySums, valueSums): dK += scale · dSᵀ Q and dV += Pᵀ dO over `depth` rows of the
 * block. The queries have been multiplied by the scale.
 */
function keyAdder(context: Context): Callable<['i32', 'i32', 'i32', 'i32', 'i32']> {
  const { module, element, tiling, scratch } = context;
  const { rows, keyColumns, valueColumns, scoreStride } = tiling;
  const { bytes } = element;
  const multiplier = (width: number): TileMultiplier =>
    multiplyTiles(module, element, {
      rows,
      aRow: bytes,
      aStep: scoreStride * bytes,
      bStep: width * bytes,
      bTiles: 'rows',
      cRow: width * bytes,
      begin: 'C',
    });
  const products = [
    { multiply: multiplier(keyColumns), width: keyColumns, left: scratch.dScores, right: scratch.queryRows },
    {
      multiply: multiplier(valueColumns),
      width: valueColumns,
      left: scratch.scores,
      right: scratch.dOutputRows,
    },
  ];
  const parameters = ['i32', 'i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, tile, first, depth, keySums, valueSums) => {
    const [key, keys, from, by, to] = body.locals('i32', 5);
    const at = (start: number, size: number): Code<'i32'> =>
      place(i32.add(context.item.scratch, int(start)), first, size * bytes);
    return [
      keys.set(tileWidth(context, tile)),
      products.map(({ multiply, width, left, right }, n) => [
        by.set(at(right, width)),
        count(key, int(0), keys, rows, [
          from.set(i32.add(at(left, scoreStride), element.size(key))),
          to.set(place(n === 0 ? keySums : valueSums, i32.add(tile, key), width * bytes)),
          multiply(
            from,
            by,
            to,
            place(from, depth, scoreStride * bytes),
            i32.add(to, int(width * bytes)),
            int(0),
          ),
        ]),
      ]),
    ];
  });
}
