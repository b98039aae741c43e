import { type Block, type Code, type ModuleBuilder, type Variable, i32, int, when } from '@heed/core/wasm';
import { type Element, tileVectorsOf } from '../module/element.ts';
import { type TileMultiplier, type TileSteps, multiplyTiles } from '../module/multiply.ts';

/** Bytes of a panel's row: as many vectors as a register tile is wide. */
export const panelRowBytes = (wide: boolean): number => 16 * tileVectorsOf(wide);

/** Number of register rows, as for attention: see `tilingOf`. */
export const tileRows = (relaxed: boolean): number => (relaxed ? 6 : 4);

/**
 * Height of the next tile where some rows are left: as few tiles as there can be, of heights that differ by one at most. Ten rows are
 * five and five: behind a tile of six, the other four would each read the weights again, with too few sums to hide the latency of a
 * multiply-add.
 */
export function nextHeight(left: Code<'i32'>, relaxed: boolean): Code<'i32'> {
  const tiles = i32.divU(i32.add(left, int(tileRows(relaxed) - 1)), int(tileRows(relaxed)));
  return i32.divU(i32.sub(i32.add(left, tiles), int(1)), tiles);
}

/** Runs the code of a height that `nextHeight` gave. The code of each is made once, the highest one first. */
export function ofHeight(height: Variable<'i32'>, relaxed: boolean, code: (rows: number) => Block): Block {
  const from = (rows: number): Block =>
    rows === 1 ? code(1) : when(i32.eq(height, int(rows)), code(rows), from(rows - 1));
  return from(tileRows(relaxed));
}

/** Multipliers of one height each, by their rows. */
export function heightMultipliers(
  module: ModuleBuilder,
  element: Element,
  relaxed: boolean,
  stepsOf: (rows: number) => Omit<TileSteps, 'rows'>,
): readonly TileMultiplier[] {
  return Array.from({ length: tileRows(relaxed) + 1 }, (_, rows) =>
    multiplyTiles(module, element, { ...stepsOf(rows), rows: Math.max(1, rows) }),
  );
}

/**
 * The same for a tile that is as wide as its caller wants: a function (a, b, c, aEnd, cEnd, unused). Few rows take several panels at a
 * time, eight sums and more, since multiply-adds would wait for each other.
 */
export function wideMultiplier(
  module: ModuleBuilder,
  element: Element,
  relaxed: boolean,
  steps: Omit<TileSteps, 'rows'> & { readonly rows: number; readonly panelBytes: number },
): TileMultiplier {
  const { rows, panelBytes } = steps;
  const narrow = multiplyTiles(module, element, steps);
  const panels = rows === 1 ? 4 : rows === 2 || (rows === 3 && relaxed) ? 2 : 1;
  if (panels === 1) return narrow;
  const wide = multiplyTiles(module, element, { ...steps, abreast: { panels, panelBytes } });
  const parameters = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, a, b, c, aEnd, cEnd) => {
    const width = body.local('i32');
    const rowBytes = 16 * element.tileVectors;
    return [
      width.set(i32.and(i32.sub(cEnd, c), int(-panels * rowBytes))),
      when(width, [
        wide(a, b, c, aEnd, i32.add(c, width), int(0)),
        c.set(i32.add(c, width)),
        b.set(i32.add(b, i32.mul(i32.divU(width, int(rowBytes)), int(panelBytes)))),
      ]),
      when(i32.ltU(c, cEnd), narrow(a, b, c, aEnd, cEnd, int(0))),
    ];
  });
}
