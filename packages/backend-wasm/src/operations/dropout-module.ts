import type { ComputeDType } from '@heed/core';
import { type ModuleBuilder, i32, int, select, v128, when, whileTrue } from '@heed/core/wasm';
import { ITEM_PARAMETERS, minimum } from '../module/context.ts';
import type { Element } from '../module/element.ts';
import { philox } from '../module/philox.ts';
import { type Field, fieldsOf } from './frame.ts';

/** Elements of a work item. */
export const ITEM_ELEMENTS: number = 2 ** 14;

/** Properties that a module is generated for. */
interface DropoutVariant {
  readonly dtype: ComputeDType;
  readonly probability: number;
}

/**
 * Dropout of elements, one export: `drop(item, frame, scratch)`. Each four elements share a block of Philox: SPEC.md, clause
 * `elementDropout`. Blocks of the heap are whole multiples of 64 bytes: what is written after the last element is the result's own.
 *
 * 3.1 million elements on an AMD EPYC (Zen 5), in ms: 7.6, of which Philox 6.2; four blocks of Philox side by side in vectors 5.8, for
 * more code than all the rest. Numbers selected one by one, instead of masks, take twice as long: engines branch on the word.
 */
export function writeDropout(
  module: ModuleBuilder,
  { vector, scalar, integer, lanes, bytes, size }: Element,
  { probability }: DropoutVariant,
): void {
  module.function({ parameters: ITEM_PARAMETERS, name: 'drop' }, (body, item, frame, scratch) => {
    const [at, end, elements, hasResidual, input, residual, output] = body.locals('i32', 7);
    const words = body.locals('i32', 4);
    const [x, factor] = body.locals('v128', 2);
    const threshold = int(Math.floor(probability * 2 ** 32));
    const given = fieldsOf(frame);
    const addresses = { input, residual, output };
    return [
      at.set(i32.mul(item, int(ITEM_ELEMENTS))),
      factor.set(vector.splat(scalar.const(1 / (1 - probability)))),
      end.set(i32.add(at, int(ITEM_ELEMENTS))),
      elements.set(given('elements')),
      end.set(minimum(end, elements)),
      hasResidual.set(given('residual')),
      Object.entries(addresses).map(([field, address]) =>
        address.set(i32.add(given(field as Field), size(at))),
      ),
      whileTrue(i32.ltU(at, end), [
        // Memory of 32-bit addresses has fewer than 2³⁴ elements: the other words of the counter are 0.
        words[0].set(i32.shrU(at, int(2))),
        words[1].set(int(0)),
        words[2].set(given('stream')),
        words[3].set(int(0)),
        philox(body, words, given('seedLow'), given('seedHigh')),
        // Vectors have no such comparison of both element types: each word becomes the mask of its element.
        words.map((word, n) => i32.store(scratch, select(int(-1), int(0), i32.ltU(word, threshold)), 4 * n)),
        Array.from({ length: 4 / lanes }, (_, n) => [
          x.set(vector.mul(v128.load(input, 16 * n), factor)),
          // A dropped element is 0, whatever the input holds.
          x.set(v128.andnot(x, integer.loadS32(i32.add(scratch, int(4 * lanes * n))))),
          when(hasResidual, x.set(vector.add(x, v128.load(residual, 16 * n)))),
          v128.store(output, x, 16 * n),
        ]),
        at.set(i32.add(at, int(4))),
        Object.values(addresses).map((address) => address.set(i32.add(address, int(4 * bytes)))),
      ]),
    ];
  });
}
