import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FreeList } from './free-list.ts';

/** Takes a block, letting the range reach as far as is needed. */
function take(list: FreeList, bytes: number): number {
  list.extend(list.endNeeded(bytes));
  return list.take(bytes)!;
}

describe('blocks', () => {
  test('are aligned, and none is at address 0', () => {
    const list = new FreeList(1);
    expect([take(list, 1), take(list, 65), take(list, 0), take(list, 64)]).toEqual([64, 128, 256, 320]);
  });

  test('are used again, the smallest that fits first', () => {
    const list = new FreeList(1);
    const [large, , small] = [take(list, 640), take(list, 64), take(list, 128), take(list, 64)];
    list.give(large);
    list.give(small);
    expect([take(list, 128), take(list, 128), take(list, 512)]).toEqual([small, large, large + 128]);
  });

  test('join their neighbors when they are given back, in whatever order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 }),
        fc.infiniteStream(fc.nat()),
        (sizes, order) => {
          const list = new FreeList(1);
          const blocks = sizes.map((size) => take(list, size));
          const end = list.endNeeded(0) - 64;
          while (blocks.length > 0) {
            list.give(blocks.splice(order.next().value! % blocks.length, 1)[0]!);
          }
          expect(list.bytesTaken).toBe(0);
          expect(take(list, end - 64)).toBe(64);
        },
      ),
    );
  });

  test('never overlap', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(1000)), { maxLength: 60 }), (steps) => {
        const list = new FreeList(1);
        const blocks: { start: number; end: number }[] = [];
        for (const [gives, number] of steps) {
          if (gives && blocks.length > 0) list.give(blocks.splice(number % blocks.length, 1)[0]!.start);
          else {
            const start = take(list, number);
            blocks.push({ start, end: start + Math.max(1, number) });
          }
          const sorted = [...blocks].sort((a, b) => a.start - b.start);
          for (let n = 1; n < sorted.length; n++) {
            expect(sorted[n]!.start).toBeGreaterThanOrEqual(sorted[n - 1]!.end);
          }
        }
      }),
    );
  });
});
