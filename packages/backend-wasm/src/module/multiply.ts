import {
  type Block,
  type Callable,
  type ModuleBuilder,
  type Variable,
  i32,
  int,
  repeatWhile,
  v128,
} from '@heed/core/wasm';
import type { Element } from './element.ts';

/** (a, b, c, aEnd, cEnd, factors) */
export type TileMultiplier = Callable<['i32', 'i32', 'i32', 'i32', 'i32', 'i32']>;

/** Steps in bytes through the matrices of a register tile; they are constants of the module. */
export interface TileSteps {
  /** Rows of the tile; it is `element.tileVectors` vectors wide, or so many for each of its panels. */
  readonly rows: number;
  /** Panels that lie side by side in the tile, one if left out, and the bytes of one: few rows leave registers for several. */
  readonly abreast?: { readonly panels: number; readonly panelBytes: number };
  /** In A, from one row to the next, and from one step of the sum to the next. */
  readonly aRow: number;
  readonly aStep: number;
  /** In B, from one step of the sum to the next. */
  readonly bStep: number;
  /** In B, from one tile of columns to the next: `panels` lie one after another, `rows` are as wide as B. */
  readonly bTiles: 'panels' | 'rows';
  readonly cRow: number;
  /**
   * Initial value of the sums. `zero`; `C`: the present content; `scaled`: that times one factor for each row; the
   * factors lie at the sixth parameter.
   */
  readonly begin: 'zero' | 'C' | 'scaled';
}

/**
 * A function (a, b, c, aEnd, cEnd, factors) that computes some rows of C = A B, or adds to them, tile by tile: one
 * tile has `element.tileVectors` vectors of columns, or so many of each of its panels, and the last one ends at cEnd in
 * the first row.
 *
 * All sums of a tile stay in registers; each step loads those vectors of B and broadcasts one element of A for each row
 * (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 2008, section 4). The inner
 * loop is not unrolled: it is long enough to hide its counting, and registers are all taken. Each element is one sum in
 * the order of the steps. Engines can optimize a separate function in the middle of a call of its callers.
 */
export function multiplyTiles(module: ModuleBuilder, element: Element, steps: TileSteps): TileMultiplier {
  const { vector, scalar, madd, tileVectors } = element;
  const tileBytes = 16 * tileVectors;
  const { panels, panelBytes } = steps.abreast ?? { panels: 1, panelBytes: 0 };
  const parameters = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, aStart, bStart, c, aEnd, cEnd, factors) => {
    const sums = Array.from({ length: steps.rows }, () => body.locals('v128', tileVectors * panels));
    const a = body.local('i32');
    const b = body.local('i32');
    const columns = body.locals('v128', tileVectors);
    const zero = columns[0]!;
    const broadcast = body.local('v128');
    const eachSum = (code: (sum: Variable<'v128'>, row: number, at: number) => Block): Block =>
      sums.flatMap((own, row) => own.map((sum, n) => code(sum, row, row * steps.cRow + 16 * n)));

    const begin = (sum: Variable<'v128'>, row: number, at: number): Block => {
      if (steps.begin === 'zero') return sum.set(zero);
      const before = v128.load(c, at);
      if (steps.begin === 'C') return sum.set(before);
      return sum.set(vector.mul(before, vector.loadSplat(factors, row * element.bytes)));
    };
    const tile: Block = [
      a.set(aStart),
      steps.begin === 'zero' ? zero.set(vector.splat(scalar.const(0))) : [],
      eachSum(begin),
      repeatWhile(i32.ltU(a, aEnd), [
        Array.from({ length: panels }, (_, panel) => [
          columns.map((column, n) => column.set(v128.load(b, panel * panelBytes + 16 * n))),
          sums.map((own, row) => [
            broadcast.set(vector.loadSplat(a, row * steps.aRow)),
            columns.map((column, n) => {
              const sum = own[tileVectors * panel + n]!;
              return sum.set(madd(broadcast, column, sum));
            }),
          ]),
        ]),
        b.set(i32.add(b, int(steps.bStep))),
        a.set(i32.add(a, int(steps.aStep))),
      ]),
      eachSum((sum, _, at) => v128.store(c, sum, at)),
    ];
    const next =
      steps.bTiles === 'rows'
        ? b.set(bStart.tee(i32.add(bStart, int(tileBytes))))
        : panels > 1
          ? b.set(i32.add(b, int((panels - 1) * panelBytes)))
          : [];
    return [
      b.set(bStart),
      repeatWhile(i32.ltU(c, cEnd), [tile, next, c.set(i32.add(c, int(tileBytes * panels)))]),
    ];
  });
}
