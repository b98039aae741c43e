import type { Code } from '../emit/code.ts';
import { count, when, whileTrue } from '../emit/control.ts';
import { i32, int, memoryFill } from '../emit/instructions.ts';
import type { Callable, Variable } from '../emit/module.ts';
import { rowWriter } from './finish.ts';
import { gradientRowOpener, queryRow } from './gradient-rows.ts';
import { scoreGradient } from './gradient-scores.ts';
import { type Kernel, least, place } from './kernel.ts';
import { multiplyTiles } from './multiply.ts';
import { RECORD, RECORD_BYTES } from './records.ts';
import { blockOpener } from './rows.ts';
import { groupScorer, panelMultiplier, tileWidth } from './scores.ts';
import { tileOpener } from './tiles.ts';

/** Addresses of a task's own sums. */
type Sums = Readonly<Record<'key' | 'value' | 'bias' | 'sink', Variable>>;

/**
 * Phase `gradient` (task: chunk of a key/value head): the gradients, from weights that are computed anew tile by tile
 * (Dao, Fu, Ermon, Rudra and Ré, "FlashAttention", NeurIPS 2022, algorithm 4 and appendix B.2):
 *
 *     dV = Pᵀ dO     dP = dO Vᵀ     dS = P ∘ (dP − rowsum(dO ∘ O))     dQ = scale · dS K     dK = scale · dSᵀ Q
 *
 * The block of queries is in the outer loop, as forward. The blocks of a head are dealt out to chunks, one after
 * another, so that causal ones weigh the same; each chunk sums up dK and dV for itself, and `reduce` adds the chunks in
 * their order. How many there are depends on the lengths alone, not on the threads.
 */
export function gradientPhase(kernel: Kernel): void {
  const { module, variant, element, tiling, frame, task, scratch } = kernel;
  const { rows, scoreStride } = tiling;
  const open = blockOpener(kernel);
  const openRows = gradientRowOpener(kernel);
  const openTile = tileOpener(kernel);
  const multiply = panelMultiplier(kernel);
  const score = groupScorer(kernel, multiply);
  const multiplyValues = valueMultiplier(kernel, multiply);
  const scoreRow = scoreGradient(kernel);
  const addQueries = queryAdder(kernel);
  const addKeys = keyAdder(kernel);
  const writeQuery = rowWriter(kernel, variant.headDim);
  const parameters = ['i32', 'i32', 'i32'] as const;

  module.function({ parameters, name: 'gradient' }, (body, index, frameAddress, threadScratch) => {
    const sums: Sums = {
      key: body.local('i32'),
      value: body.local('i32'),
      bias: body.local('i32'),
      sink: body.local('i32'),
    };
    const block = body.local('i32');
    const tile = body.local('i32');
    const end = body.local('i32');
    const group = body.local('i32');
    /** Rows first … last − 1 of the block are those that attend to anything in the tile, and some between them. */
    const first = body.local('i32');
    const last = body.local('i32');
    const record = body.local('i32');
    const scores = body.local('i32');
    const r = body.local('i32');
    const at = (start: number, n: Code, size: number): Code =>
      place(i32.add(task.scratch, int(start)), n, size);
    const scoreBytes = scoreStride * element.bytes;
    const eachRow = (from: Code, to: Code, code: Code): Code =>
      count(r, from, to, 1, [
        record.set(at(scratch.records, r, RECORD_BYTES)),
        scores.set(at(scratch.scores, r, scoreBytes)),
        code,
      ]);
    const groupEnd = least(i32.add(group, int(rows)), task.count);
    const biasSums = place(
      sums.bias,
      i32.remU(i32.load(record, RECORD.head), frame.integer('group')),
      frame.integer('biasSumsHead'),
    );
    const attended = [
      when(i32.eq(last, int(0)), first.set(group)),
      last.set(groupEnd),
      multiplyValues(group),
      eachRow(group, last, scoreRow(record, scores, tile, biasSums)),
      addQueries(group, tile),
    ];
    const skipped = when(
      last,
      [scratch.scores, scratch.dScores].map((start) =>
        memoryFill(at(start, group, scoreBytes), int(0), int(rows * scoreBytes)),
      ),
    );
    const blockRows = frame.integer('blockRows');
    return [
      openChunk(kernel, { index: index!, frame: frameAddress!, scratch: threadScratch! }, sums, block),
      whileTrue(i32.ltU(block, frame.integer('blocks')), [
        task.firstRow.set(i32.mul(block, blockRows)),
        task.count.set(i32.sub(frame.integer('rows'), task.firstRow)),
        task.count.set(least(task.count, blockRows)),
        open(),
        openRows(sums.sink),
        tile.set(i32.sub(task.firstKey, i32.remU(task.firstKey, int(tiling.tileKeys)))),
        end.set(task.endKey),
        whileTrue(i32.ltS(tile, end), [
          openTile(tile),
          last.set(int(0)),
          count(group, int(0), task.count, rows, when(score(group, tile), attended, skipped)),
          when(last, addKeys(tile, first, i32.sub(last, first), sums.key, sums.value)),
          tile.set(i32.add(tile, int(tiling.tileKeys))),
        ]),
        eachRow(
          int(0),
          task.count,
          writeQuery(
            at(scratch.dQuery, r, tiling.keyColumns * element.bytes),
            queryRow(kernel, record, frame.integer('dQuery')),
            element.fromF64(frame.float('scale')),
          ),
        ),
        block.set(i32.add(block, frame.integer('chunks'))),
      ]),
    ];
  });
}

/** Finds out what the task is about, and clears its sums. Its first block is the number of the chunk. */
function openChunk(
  { variant, frame, task }: Kernel,
  parameters: Readonly<Record<'index' | 'frame' | 'scratch', Variable>>,
  sums: Sums,
  chunk: Variable,
): Code {
  const head = i32.divU(parameters.index, frame.integer('chunks'));
  const own = i32.add(i32.mul(task.slot, frame.integer('chunks')), chunk);
  const open = (name: 'key' | 'value' | 'bias'): Code => [
    sums[name].set(place(frame.integer(`${name}Sums`), own, frame.integer(`${name}SumsChunk`))),
    memoryFill(sums[name], int(0), frame.integer(`${name}SumsChunk`)),
  ];
  const sinkBytes = i32.mul(frame.integer('group'), int(8));
  return [
    task.frame.set(parameters.frame),
    task.scratch.set(parameters.scratch),
    task.batch.set(i32.divU(head, frame.integer('kvHeads'))),
    task.kvHead.set(i32.remU(head, frame.integer('kvHeads'))),
    task.slot.set(i32.remU(head, frame.integer('slots'))),
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

/** A function (group): dP = dO Vᵀ of a group of rows with the open tile. */
function valueMultiplier(kernel: Kernel, multiply: Callable): Callable {
  const { module, variant, element, tiling, task, scratch } = kernel;
  const { rows, scoreStride } = tiling;
  const depthBytes = variant.valueDim * element.bytes;
  return module.function({ parameters: ['i32'] }, (body, group) => {
    const dOutput = body.local('i32');
    const to = body.local('i32');
    return [
      dOutput.set(place(i32.add(task.scratch, int(scratch.dOutput)), group!, depthBytes)),
      to.set(place(i32.add(task.scratch, int(scratch.dScores)), group!, scoreStride * element.bytes)),
      multiply(
        dOutput,
        task.valueAt,
        to,
        i32.add(dOutput, int(rows * depthBytes)),
        i32.add(to, element.size(task.to)),
        int(0),
      ),
    ];
  });
}

/** A function (group, tile): dQ += dS K of a group of rows, without the scale. */
function queryAdder({ module, element, tiling, frame, task, scratch }: Kernel): Callable {
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
  return module.function({ parameters: ['i32', 'i32'] }, (body, group, tile) => {
    const dScores = body.local('i32');
    const keys = body.local('i32');
    const to = body.local('i32');
    return [
      dScores.set(place(i32.add(task.scratch, int(scratch.dScores)), group!, scoreStride * bytes)),
      keys.set(place(frame.integer('keyRows'), task.slot, frame.integer('keyRowsSlot'))),
      keys.set(place(keys, tile!, rowBytes)),
      to.set(place(i32.add(task.scratch, int(scratch.dQuery)), group!, rowBytes)),
      multiply(
        dScores,
        keys,
        to,
        i32.add(dScores, element.size(task.to)),
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
function keyAdder(kernel: Kernel): Callable {
  const { module, element, tiling, scratch } = kernel;
  const { rows, keyColumns, valueColumns, scoreStride } = tiling;
  const { bytes } = element;
  const multiplier = (width: number): Callable =>
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
    const key = body.local('i32');
    const keys = body.local('i32');
    const from = body.local('i32');
    const by = body.local('i32');
    const to = body.local('i32');
    const at = (start: number, size: number): Code =>
      place(i32.add(kernel.task.scratch, int(start)), first!, size * bytes);
    return [
      keys.set(tileWidth(kernel, tile!)),
      products.map(({ multiply, width, left, right }, n) => [
        by.set(at(right, width)),
        count(key, int(0), keys, rows, [
          from.set(i32.add(at(left, scoreStride), element.size(key))),
          to.set(place(n === 0 ? keySums! : valueSums!, i32.add(tile!, key), width * bytes)),
          multiply(
            from,
            by,
            to,
            place(from, depth!, scoreStride * bytes),
            i32.add(to, int(width * bytes)),
            int(0),
          ),
        ]),
      ]),
    ];
  });
}
