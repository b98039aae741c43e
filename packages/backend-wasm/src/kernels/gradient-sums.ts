import type { Code } from '../emit/code.ts';
import { count } from '../emit/control.ts';
import { f64, i32, int, memoryFill, v128 } from '../emit/instructions.ts';
import type { Callable, Variable } from '../emit/module.ts';
import { rowWriter } from './finish.ts';
import { type Kernel, least, place } from './kernel.ts';

/** Phase `clear` (one task): the gradients that are added to begin with 0. */
export function clearPhase({ module, variant, element, frame, task }: Kernel): void {
  module.function({ parameters: ['i32', 'i32', 'i32'], name: 'clear' }, (_, __, frameAddress) => [
    task.frame.set(frameAddress!),
    variant.bias ? memoryFill(frame.integer('dBias'), int(0), frame.integer('dBiasBytes')) : [],
    variant.sinks ? memoryFill(frame.integer('dSinks'), int(0), element.size(frame.integer('heads'))) : [],
  ]);
}

/** Phase `reduce` (task: tile of keys of a key/value head): dK and dV, the sums of all chunks in their order. */
export function reducePhase(kernel: Kernel): void {
  const { module, variant, tiling, frame, task } = kernel;
  const reducers = [
    { name: 'key', reduce: rowReducer(kernel, variant.headDim, tiling.keyColumns), result: 'dKey' },
    { name: 'value', reduce: rowReducer(kernel, variant.valueDim, tiling.valueColumns), result: 'dValue' },
  ] as const;
  module.function({ parameters: ['i32', 'i32', 'i32'], name: 'reduce' }, (body, index, frameAddress) => {
    const head = body.local('i32');
    const key = body.local('i32');
    const first = body.local('i32');
    const end = body.local('i32');
    return [
      task.frame.set(frameAddress!),
      head.set(i32.divU(index!, frame.integer('tiles'))),
      task.batch.set(i32.divU(head, frame.integer('kvHeads'))),
      task.kvHead.set(i32.remU(head, frame.integer('kvHeads'))),
      task.slot.set(i32.remU(head, frame.integer('slots'))),
      first.set(i32.mul(i32.remU(index!, frame.integer('tiles')), int(tiling.tileKeys))),
      end.set(i32.add(first, int(tiling.tileKeys))),
      end.set(least(end, frame.integer('keyLength'))),
      reducers.map(({ name, reduce, result }) => {
        const chunkBytes = frame.integer(`${name}SumsChunk`);
        const slotBytes = i32.mul(chunkBytes, frame.integer('chunks'));
        const to = place(frame.integer(result), task.batch, frame.integer(`${name}Batch`));
        const toHead = place(to, task.kvHead, frame.integer(`${name}Head`));
        return count(key, first, end, 1, [
          reduce(
            place(frame.integer(`${name}Sums`), task.slot, slotBytes),
            key,
            chunkBytes,
            i32.add(toHead, i32.mul(key, frame.integer(`${name}Row`))),
          ),
        ]);
      }),
    ];
  });
}

/** A function (sums, key, chunkBytes, to) that adds a key's row of all chunks, and writes it. */
function rowReducer(kernel: Kernel, depth: number, columns: number): Callable {
  const { module, element, frame } = kernel;
  const { vector, scalar, bytes } = element;
  const write = rowWriter(kernel, depth);
  const parameters = ['i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, sums, key, chunkBytes, to) => {
    const chunk = body.local('i32');
    const chunks = body.local('i32');
    const from = body.local('i32');
    const column = body.local('i32');
    const at = i32.add(sums!, column);
    return [
      sums!.set(place(sums!, key!, columns * bytes)),
      from.set(sums!),
      chunks.set(frame.integer('chunks')),
      count(chunk, int(1), chunks, 1, [
        from.set(i32.add(from, chunkBytes!)),
        count(column, int(0), int(columns * bytes), 16, [
          v128.store(at, vector.add(v128.load(at), v128.load(i32.add(from, column)))),
        ]),
      ]),
      write(sums!, to!, scalar.const(1)),
    ];
  });
}

/**
 * Phase `reduceShared` (task: as many key/value heads as are worked on at one time): what several of them add to, dSinks
 * and the gradient of a bias without an axis of queries, in the order of heads, chunks and query heads.
 */
export function reduceSharedPhase(kernel: Kernel): void {
  const { module, variant, frame, task } = kernel;
  module.function(
    { parameters: ['i32', 'i32', 'i32'], name: 'reduceShared' },
    (body, index, frameAddress) => {
      const head = body.local('i32');
      const end = body.local('i32');
      const chunk = body.local('i32');
      const inGroup = body.local('i32');
      const own = body.local('i32');
      const queryHead = body.local('i32');
      const slots = frame.integer('slots');
      const adders: Code[] = [];
      const from = body.local('i32');
      const to = body.local('i32');
      if (variant.sinks) adders.push(addSink(kernel, { from, to, own, inGroup, queryHead }));
      if (variant.bias && !variant.biasPerQuery) {
        adders.push(addBias(kernel, { from, to, own, inGroup, queryHead, column: body.local('i32') }));
      }
      return [
        task.frame.set(frameAddress!),
        head.set(i32.mul(index!, slots)),
        end.set(i32.add(head, slots)),
        end.set(least(end, frame.integer('allHeads'))),
        count(head, head, end, 1, [
          task.batch.set(i32.divU(head, frame.integer('kvHeads'))),
          count(chunk, int(0), frame.integer('chunks'), 1, [
            own.set(i32.add(i32.mul(i32.remU(head, slots), frame.integer('chunks')), chunk)),
            count(inGroup, int(0), frame.integer('group'), 1, [
              queryHead.set(i32.remU(head, frame.integer('kvHeads'))),
              queryHead.set(i32.add(i32.mul(queryHead, frame.integer('group')), inGroup)),
              adders,
            ]),
          ]),
        ]),
      ];
    },
  );
}

type Place = Readonly<Record<'from' | 'to' | 'own' | 'inGroup' | 'queryHead', Variable>>;

function addSink({ element, frame }: Kernel, { from, to, own, inGroup, queryHead }: Place): Code {
  const { scalar, bytes } = element;
  return [
    from.set(i32.add(i32.mul(own, frame.integer('group')), inGroup)),
    from.set(place(frame.integer('sinkSums'), from, 8)),
    to.set(place(frame.integer('dSinks'), queryHead, bytes)),
    scalar.store(to, element.fromF64(f64.add(element.toF64(scalar.load(to)), f64.load(from)))),
  ];
}

function addBias(
  { variant, element, frame, task }: Kernel,
  { from, to, own, inGroup, queryHead, column }: Place & { readonly column: Place['from'] },
): Code {
  const { scalar, bytes } = element;
  const size = variant.biasPerKey ? element.size(frame.integer('keyLength')) : int(bytes);
  return [
    from.set(place(frame.integer('biasSums'), own, frame.integer('biasSumsChunk'))),
    from.set(place(from, inGroup, frame.integer('biasSumsHead'))),
    to.set(place(frame.integer('dBias'), task.batch, frame.integer('biasBatch'))),
    to.set(place(to, queryHead, frame.integer('biasHead'))),
    count(column, int(0), size, bytes, [
      scalar.store(
        i32.add(to, column),
        scalar.add(scalar.load(i32.add(to, column)), scalar.load(i32.add(from, column))),
      ),
    ]),
  ];
}
