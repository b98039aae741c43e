/**
 * Working memory of a call: one plain array of doubles that holds everything packed, at offsets.
 *
 * A plain array, not a Float64Array, and one, not several: V8 keeps the doubles of such an array unboxed, and reads
 * them with one bounds check and one load. A Float64Array costs an addition and a sign extension more on each read, a
 * second array another check of its kind on each iteration of a loop. In the inner loop of `multiply.ts` that is a
 * third. The array must never get a hole or a value that is not a number, or all of it slows down.
 */
export type Heap = number[];

/**
 * An array with the tables of `exponential.ts`, else of arbitrary numbers. Doubling an array of one double keeps V8's
 * packed kind and copies whole blocks; `new Array(length)` has holes, `push` is twice as slow and `Array.from` four
 * times.
 */
export function createHeap(length: number): Heap {
  let heap: Heap = [0.5];
  while (2 * heap.length <= length) heap = heap.concat(heap);
  heap = heap.concat(heap.slice(0, length - heap.length));
  for (let i = 0; i < FRACTION_COUNT; i++) heap[FRACTIONS + i] = 2 ** (i / FRACTION_COUNT);
  for (let e = MINIMUM_POWER; e <= MAXIMUM_POWER; e++) heap[POWERS + e] = 2 ** e;
  return heap;
}

/** 2^(0/256) … 2^(255/256), a table of `exponential.ts`. */
export const FRACTIONS = 0;
export const FRACTION_COUNT = 256;
const MINIMUM_POWER = -1022;
const MAXIMUM_POWER = 1023;
/** 2^e is at `POWERS + e`. */
export const POWERS: number = FRACTION_COUNT - MINIMUM_POWER;
/** Start of a call's own memory. */
export const HEAP_START: number = POWERS + MAXIMUM_POWER + 1;

/** Sets heap[from … to − 1]. */
export function fillHeap(heap: Heap, from: number, to: number, value: number): void {
  for (let p = from; p < to; p = (p + 1) | 0) heap[p] = value;
}

/** Heaps between calls. Calls may overlap, so each takes its own and returns it. */
export interface HeapPool {
  take(length: number): Heap;
  give(heap: Heap): void;
}

/** Number of heaps kept for later calls; more exist only while more calls overlap. */
const KEPT = 2;
/** Numbers (8 MiB) beyond which a heap is not kept: making it costs little compared with a call that needs it. */
const LONGEST_KEPT = 2 ** 20;

export function heapPool(): HeapPool {
  const free: Heap[] = [];
  return {
    take(length) {
      const index = free.findIndex((heap) => heap.length >= length);
      return index === -1 ? createHeap(length) : free.splice(index, 1)[0]!;
    },
    give(heap) {
      if (heap.length > LONGEST_KEPT) return;
      free.push(heap);
      // A longer heap serves more problems.
      free.sort((a, b) => b.length - a.length).splice(KEPT);
    },
  };
}
