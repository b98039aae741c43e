import {
  type Block,
  type Callable,
  type Variable,
  count,
  f64,
  i32,
  int,
  memoryCopy,
  memoryFill,
  v128,
  when,
} from '@heed/core/wasm';
import { rowWriter } from '../forward/finish.ts';
import { type Context, ITEM_PARAMETERS, minimum, place } from '../module/context.ts';

/** Phase `clear` (one item): sets gradients that are sums to 0. */
export function clearPhase({ module, variant, element, frame, item }: Context): void {
  module.function({ parameters: ITEM_PARAMETERS, name: 'clear' }, (_, __, frameAddress) => [
    item.frame.set(frameAddress),
    variant.bias ? memoryFill(frame.integer('dBias'), int(0), frame.integer('dBiasBytes')) : [],
    variant.sinks ? memoryFill(frame.integer('dSinks'), int(0), element.size(frame.integer('heads'))) : [],
  ]);
}

/** Phase `reduce` (item: tile of keys of a key/value head): dK and dV, the sums of all chunks in their order. */
export function reducePhase(context: Context): void {
  const { module, variant, element, tiling, frame, item } = context;
  const reducers = [
    {
      name: 'key',
      reduce: rowReducer(context, variant.headDim, tiling.keyColumns),
      result: 'dKey',
      columns: tiling.keyColumns,
    },
    {
      name: 'value',
      reduce: rowReducer(context, variant.valueDim, tiling.valueColumns),
      result: 'dValue',
      columns: tiling.valueColumns,
    },
  ] as const;
  module.function({ parameters: ITEM_PARAMETERS, name: 'reduce' }, (body, index, frameAddress) => {
    const [head, key, first, end] = body.locals('i32', 4);
    return [
      item.frame.set(frameAddress),
      head.set(i32.divU(index, frame.integer('tiles'))),
      item.batch.set(i32.divU(head, frame.integer('kvHeads'))),
      item.kvHead.set(i32.remU(head, frame.integer('kvHeads'))),
      item.slot.set(i32.remU(head, frame.integer('slots'))),
      first.set(i32.mul(i32.remU(index, frame.integer('tiles')), int(tiling.tileKeys))),
      end.set(i32.add(first, int(tiling.tileKeys))),
      end.set(minimum(end, frame.integer('keyLength'))),
      reducers.map(({ name, reduce, result, columns }) => {
        const chunkBytes = frame.integer(`${name}SumsChunk`);
        const slotBytes = i32.mul(chunkBytes, frame.integer('chunks'));
        const to = place(frame.integer(result), item.batch, frame.integer(`${name}Batch`));
        const toHead = place(to, item.kvHead, frame.integer(`${name}Head`));
        return count(key, first, end, 1, [
          reduce(
            place(frame.integer(`${name}Sums`), item.slot, slotBytes),
            key,
            chunkBytes,
            i32.add(toHead, i32.mul(key, frame.integer(`${name}Row`))),
            place(
              place(frame.integer(`${name}Totals`), item.kvHead, frame.integer(`${name}TotalsHead`)),
              key,
              columns * element.bytes,
            ),
          ),
        ]);
      }),
    ];
  });
}

/**
 * A function (sums, key, chunkBytes, to, total) that adds a key's row of all chunks, and writes it. Where the batch shares its keys,
 * `total` is the sum over the batch so far.
 */
function rowReducer(
  context: Context,
  depth: number,
  columns: number,
): Callable<['i32', 'i32', 'i32', 'i32', 'i32']> {
  const { module, variant, element, cache, frame, item } = context;
  const { vector, scalar, bytes } = element;
  const write = rowWriter(context, depth, cache);
  const parameters = ['i32', 'i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, sums, key, chunkBytes, to, total) => {
    const [chunk, chunks, from, column] = body.locals('i32', 4);
    const at = i32.add(sums, column);
    return [
      sums.set(place(sums, key, columns * bytes)),
      from.set(sums),
      chunks.set(frame.integer('chunks')),
      count(chunk, int(1), chunks, 1, [
        from.set(i32.add(from, chunkBytes)),
        count(column, int(0), int(columns * bytes), 16, [
          v128.store(at, vector.add(v128.load(at), v128.load(i32.add(from, column)))),
        ]),
      ]),
      variant.sharedKeys
        ? [
            // Batch element after batch element, so that the sum has one order; the last one writes it.
            when(item.batch, [
              count(column, int(0), int(columns * bytes), 16, [
                v128.store(at, vector.add(v128.load(i32.add(total, column)), v128.load(at))),
              ]),
            ]),
            memoryCopy(total, sums, int(columns * bytes)),
            when(
              i32.eq(i32.add(item.batch, int(1)), frame.integer('batch')),
              write(sums, to, scalar.const(1)),
            ),
          ]
        : write(sums, to, scalar.const(1)),
    ];
  });
}

/**
 * Phase `reduceShared` (item: as many key/value heads as are worked on at one time): the gradients that several of them
 * add to, dSinks and that of a bias without an axis of queries, in the order of heads, chunks and query heads.
 */
export function reduceSharedPhase(context: Context): void {
  const { module, variant, frame, item } = context;
  module.function({ parameters: ITEM_PARAMETERS, name: 'reduceShared' }, (body, index, frameAddress) => {
    const [head, end, chunk, inGroup, own, queryHead] = body.locals('i32', 6);
    const slots = frame.integer('slots');
    const adders: Block[] = [];
    const [from, to] = body.locals('i32', 2);
    if (variant.sinks) adders.push(addSink(context, { from, to, own, inGroup, queryHead }));
    if (variant.bias && !variant.biasPerQuery) {
      adders.push(addBias(context, { from, to, own, inGroup, queryHead, column: body.local('i32') }));
    }
    return [
      item.frame.set(frameAddress),
      head.set(i32.mul(index, slots)),
      end.set(i32.add(head, slots)),
      end.set(minimum(end, frame.integer('allHeads'))),
      count(head, head, end, 1, [
        item.batch.set(i32.divU(head, frame.integer('kvHeads'))),
        count(chunk, int(0), frame.integer('chunks'), 1, [
          own.set(i32.add(i32.mul(i32.remU(head, slots), frame.integer('chunks')), chunk)),
          count(inGroup, int(0), frame.integer('headGroup'), 1, [
            queryHead.set(i32.remU(head, frame.integer('kvHeads'))),
            queryHead.set(i32.add(i32.mul(queryHead, frame.integer('headGroup')), inGroup)),
            adders,
          ]),
        ]),
      ]),
    ];
  });
}

type Place = Readonly<Record<'from' | 'to' | 'own' | 'inGroup' | 'queryHead', Variable<'i32'>>>;

function addSink({ element, frame }: Context, { from, to, own, inGroup, queryHead }: Place): Block {
  const { scalar, bytes } = element;
  return [
    from.set(i32.add(i32.mul(own, frame.integer('headGroup')), inGroup)),
    from.set(place(frame.integer('sinkSums'), from, 8)),
    to.set(place(frame.integer('dSinks'), queryHead, bytes)),
    scalar.store(to, element.fromF64(f64.add(element.toF64(scalar.load(to)), f64.load(from)))),
  ];
}

function addBias(
  { variant, element, storage, frame, item }: Context,
  { from, to, own, inGroup, queryHead, column }: Place & { readonly column: Place['from'] },
): Block {
  const { scalar, bytes } = element;
  const size = variant.biasPerKey ? element.size(frame.integer('keyLength')) : int(bytes);
  return [
    from.set(place(frame.integer('biasSums'), own, frame.integer('biasSumsChunk'))),
    from.set(place(from, inGroup, frame.integer('biasSumsHead'))),
    to.set(place(i32.mul(item.batch, frame.integer('biasBatch')), queryHead, frame.integer('biasHead'))),
    to.set(i32.add(frame.integer('dBias'), storage.toElements(to))),
    count(column, int(0), size, bytes, [
      scalar.store(
        i32.add(to, column),
        scalar.add(scalar.load(i32.add(to, column)), scalar.load(i32.add(from, column))),
      ),
    ]),
  ];
}

/** Bytes of sums that one work item of `roundBias` rounds. */
export const ROUNDED_BYTES: number = 2 ** 18;

/** Phase `roundBias` (item: a part of the bias): the gradient of a bias of 16 bits, from its sums. */
export function roundBiasPhase({ module, storage, frame, item }: Context): void {
  module.function({ parameters: ITEM_PARAMETERS, name: 'roundBias' }, (body, index, frameAddress) => {
    const [at, end, whole, to] = body.locals('i32', 4);
    const x = body.local('v128');
    const round = (lanes: number): Block => [
      x.set(v128.load(i32.add(frame.integer('dBias'), at))),
      storage.store(body, to, x, { lanes }),
    ];
    return [
      item.frame.set(frameAddress),
      at.set(i32.mul(index, int(ROUNDED_BYTES))),
      end.set(i32.add(at, int(ROUNDED_BYTES))),
      end.set(minimum(end, frame.integer('dBiasBytes'))),
      whole.set(i32.and(end, int(-16))),
      to.set(i32.add(frame.integer('dBiasResult'), i32.shrU(at, int(1)))),
      count(at, at, whole, 16, [round(4), to.set(i32.add(to, int(8)))]),
      count(at, at, end, 4, [round(1), to.set(i32.add(to, int(2)))]),
    ];
  });
}
