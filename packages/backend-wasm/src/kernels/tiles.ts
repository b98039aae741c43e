import { v128 } from '../emit/instructions.ts';
import type { Code } from '../emit/code.ts';
import type { Callable } from '../emit/module.ts';
import { type Kernel, place } from './kernel.ts';

/** A function (tile) that turns to the tile of keys that begins at key `tile`. */
export function tileOpener({ module, variant, element, tiling, frame, task }: Kernel): Callable {
  const packed = (name: 'packedKey' | 'packedValue' | 'bad', index: Code, size: number): Code =>
    place(place(frame.integer(name), task.slot, frame.integer(`${name}Slot`)), index, size);
  const values = variant.pass === 'gradient' ? variant.valueDim : tiling.valueColumns;
  const inPlace = (name: 'key' | 'value', tile: Code): Code =>
    place(
      place(
        place(frame.integer(name), task.batch, frame.integer(`${name}Batch`)),
        task.kvHead,
        frame.integer(`${name}Head`),
      ),
      tile,
      frame.integer(`${name}Row`),
    );
  if (variant.direct) {
    return module.function({ parameters: ['i32'] }, (_, tile) => [
      task.keyAt.set(inPlace('key', tile!)),
      task.valueAt.set(inPlace('value', tile!)),
    ]);
  }
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const bad = body.local('v128');
    return [
      task.keyAt.set(packed('packedKey', tile!, variant.headDim * element.bytes)),
      task.valueAt.set(packed('packedValue', tile!, values * element.bytes)),
      task.badAt.set(packed('bad', tile!, 1)),
      Array.from({ length: tiling.tileKeys / 16 }, (_, n) =>
        bad.set(v128.or(bad, v128.load(task.badAt, 16 * n))),
      ),
      task.tileBad.set(v128.anyTrue(bad)),
    ];
  });
}
