import type { Code } from '../emit/code.ts';
import { count, when } from '../emit/control.ts';
import { i32, int, memoryFill, v128 } from '../emit/instructions.ts';
import type { Callable } from '../emit/module.ts';
import { type Kernel, least, place } from './kernel.ts';
import { TILE_KEYS } from './tiling.ts';

interface RowPacking {
  readonly depth: number;
  /** Bytes from one element to the next where they go. */
  readonly step: number;
  /** Whether elements are multiplied by the scale. */
  readonly scaled: boolean;
}

/**
 * A function (from, to) → i32 that copies a row, with 0 for what is not finite, and returns whether there was any.
 * Padding must not reach results: 0 · NaN would. What is not finite where it is attended to is written into the
 * scores instead.
 */
export function rowPacker({ module, element, frame }: Kernel, packing: RowPacking): Callable {
  const { vector, scalar, bytes, lanes } = element;
  const { depth, step, scaled } = packing;
  return module.function({ parameters: ['i32', 'i32'], result: 'i32' }, (body, from, to) => {
    const end = body.local('i32');
    const whole = depth - (depth % lanes);
    const numbers = body.local('v128');
    const finite = body.local('v128');
    const allFinite = body.local('v128');
    const zero = body.local('v128');
    const scale = body.local('v128');
    const number = body.local(element.type);
    const bad = body.local('i32');

    const storeLanes = (): Code =>
      step === bytes
        ? v128.store(to!, numbers)
        : Array.from({ length: lanes }, (_, lane) => vector.storeLane(to!, numbers, lane, lane * step));
    const vectors = [
      allFinite.set(vector.eq(zero, zero)),
      end.set(i32.add(from!, int(whole * bytes))),
      count(from!, from!, end, 16, [
        numbers.set(v128.load(from!)),
        finite.set(vector.eq(vector.sub(numbers, numbers), zero)),
        allFinite.set(v128.and(allFinite, finite)),
        numbers.set(v128.and(numbers, finite)),
        scaled ? numbers.set(vector.mul(numbers, scale)) : [],
        storeLanes(),
        to!.set(i32.add(to!, int(lanes * step))),
      ]),
      bad.set(v128.anyTrue(v128.not(allFinite))),
    ];
    const rest = Array.from({ length: depth - whole }, (_, n) => [
      number.set(scalar.load(from!, n * bytes)),
      when(scalar.ne(scalar.sub(number, number), scalar.const(0)), [
        bad.set(int(1)),
        number.set(scalar.const(0)),
      ]),
      scaled ? number.set(scalar.mul(number, vector.extract(scale, 0))) : [],
      scalar.store(to!, number, n * step),
    ]);
    return [
      scaled ? scale.set(vector.splat(element.fromF64(frame.float('scale')))) : [],
      whole > 0 ? vectors : [],
      rest,
      bad,
    ];
  });
}

/**
 * Phase `pack` (task: tile of keys of a key/value head): keys to panels [keys / columns, headDim, columns], values to
 * rows of whole register tiles, and for each key a byte that says whether something in it is not finite.
 */
export function packPhase(kernel: Kernel): void {
  const { module, variant, parts, element, tiling, frame, task } = kernel;
  const { columns, valueColumns } = tiling;
  const panelStep = columns * element.bytes;
  const packKey = rowPacker(kernel, { depth: variant.headDim, step: panelStep, scaled: false });
  const packValue = rowPacker(kernel, { depth: variant.valueDim, step: element.bytes, scaled: false });
  const keyBytes = variant.headDim * element.bytes;
  const valueBytes = valueColumns * element.bytes;

  module.function(
    { parameters: ['i32', 'i32', 'i32'], name: 'pack' },
    (body, index, frameAddress) => {
      const first = body.local('i32');
      const end = body.local('i32');
      const key = body.local('i32');
      const from = body.local('i32');
      const fromValue = body.local('i32');
      const to = body.local('i32');
      const toValue = body.local('i32');
      const toBad = body.local('i32');
      const head = body.local('i32');
      const bad = body.local('i32');
      const start = (address: Code, batch: Code, headStep: Code): Code =>
        place(place(address, task.batch, batch), task.kvHead, headStep);
      return [
        task.frame.set(frameAddress!),
        head.set(i32.divU(index!, frame.integer('tiles'))),
        first.set(i32.mul(i32.remU(index!, frame.integer('tiles')), int(TILE_KEYS))),
        end.set(i32.add(first, int(TILE_KEYS))),
        end.set(least(end, frame.integer('keyLength'))),
        task.batch.set(i32.divU(head, frame.integer('kvHeads'))),
        task.kvHead.set(i32.remU(head, frame.integer('kvHeads'))),
        task.slot.set(i32.remU(head, frame.integer('slots'))),
        from.set(start(frame.integer('key'), frame.integer('keyBatch'), frame.integer('keyHead'))),
        fromValue.set(start(frame.integer('value'), frame.integer('valueBatch'), frame.integer('valueHead'))),
        to.set(place(frame.integer('packedKey'), task.slot, frame.integer('packedKeySlot'))),
        toValue.set(place(frame.integer('packedValue'), task.slot, frame.integer('packedValueSlot'))),
        toValue.set(place(toValue, first, valueBytes)),
        toBad.set(place(frame.integer('bad'), task.slot, frame.integer('badSlot'))),
        memoryFill(i32.add(toBad, first), int(0), int(TILE_KEYS)),
        // Padding is 0: the keys past the last one, and the columns past the last one.
        when(i32.and(i32.sub(end, first), int(columns - 1)), [
          memoryFill(place(to, i32.and(end, int(-columns)), keyBytes), int(0), int(columns * keyBytes)),
          parts.sumsValues
            ? memoryFill(
                place(toValue, i32.and(i32.sub(end, first), int(-columns)), valueBytes),
                int(0),
                int(columns * valueBytes),
              )
            : [],
        ]),
        key.set(first),
        count(key, key, end, 1, [
          bad.set(
            packKey(
              place(from, key, frame.integer('keyRow')),
              i32.add(
                place(to, i32.and(key, int(-columns)), keyBytes),
                i32.mul(i32.and(key, int(columns - 1)), int(element.bytes)),
              ),
            ),
          ),
          parts.sumsValues
            ? [
                valueColumns === variant.valueDim ? [] : memoryFill(toValue, int(0), int(valueBytes)),
                bad.set(i32.or(bad, packValue(place(fromValue, key, frame.integer('valueRow')), toValue))),
                toValue.set(i32.add(toValue, int(valueBytes))),
              ]
            : [],
          i32.store8(i32.add(toBad, key), bad),
        ]),
      ];
    },
  );
}
