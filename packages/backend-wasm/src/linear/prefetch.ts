import {
  type Block,
  type Callable,
  type Code,
  type ModuleBuilder,
  i32,
  int,
  when,
  whileTrue,
} from '@heed/core/wasm';

/** Bytes of a cache line. */
const LINE_BYTES = 64;
/** Lines that a turn of the loop reads. */
const LINES = 4;

/**
 * A function (from, end) that brings memory to the caches before a loop over it, by reading a word of each line: WebAssembly has no
 * instruction for it. Processors fetch ahead within a page of 4 KB only. Where one ends, a loop that multiplies waits, because its
 * instructions fill the window in which loads overlap. This loop has many loads in that window.
 *
 * Node 24, one thread, AMD EPYC (Zen 5), weights in memory: a row times 3,072 × 576 in `q4_1` takes 206 µs instead of 295, of which
 * a bare read of the bytes would take 32.
 */
export function prefetcher(module: ModuleBuilder): Callable<['i32', 'i32']> {
  return module.function({ parameters: ['i32', 'i32'] }, (body, at, end) => {
    const words = body.local('i32');
    return [
      end.set(i32.sub(end, int(LINE_BYTES * LINES))),
      whileTrue(i32.ltS(at, end), [
        Array.from({ length: LINES }, (_, n) => words.set(i32.or(words, i32.load(at, LINE_BYTES * n)))),
        at.set(i32.add(at, int(LINE_BYTES * LINES))),
      ]),
      // Uses the words, so that no compiler leaves out the loads.
      when(words, at.set(end)),
    ];
  });
}

/** Bytes of panels that few rows are better off with, and of those that more rows are. */
const SHORT_PANEL = 32_768;
const LONG_PANEL = { relaxed: 16_384, plain: 32_768 };

/**
 * Code (from, end, rows) that prefetches panels of float32 or float64 where it gains: for few rows, which read several panels abreast,
 * and for long panels.
 *
 * Same machine, in µs, with and without it: 1,536 × 384, a row 98, 132; ten rows, where it is left out, 260, 227. 384 × 1,536, ten rows
 * 263, 332. 768 × 3,072, 24 rows 2,016, 2,481; 48 rows 3,783, 4,347; a row, where it is left out, 391, 268. Node 20, without relaxed
 * SIMD: 768 × 3,072, ten rows 1,121, 1,277.
 */
export function panelPrefetcher(
  module: ModuleBuilder,
  relaxed: boolean,
  panelBytes: number,
): (from: Code<'i32'>, end: Code<'i32'>, rows: Code<'i32'>) => Block {
  const prefetch = prefetcher(module);
  const few = int(relaxed ? 3 : 2);
  const [ofFew, ofMore] = [
    panelBytes <= SHORT_PANEL,
    panelBytes >= LONG_PANEL[relaxed ? 'relaxed' : 'plain'],
  ];
  return (from, end, rows) => {
    if (ofFew && ofMore) return prefetch(from, end);
    return when(ofFew ? i32.geS(few, rows) : i32.gtS(rows, few), prefetch(from, end));
  };
}
