import { type Geometry, ownRow } from '../plan/geometry.ts';
import type { Variant } from '../plan/variant.ts';
import { placeOfNoise } from '../shader/block.ts';
import { each } from '../shader/module.ts';

/** Words of the table that a row takes in a gradient: row maximum, 1 / row sum, mean, flags. */
export const ROW_WORDS = 4;

/** Flags of a row: it is non-finite; its output is all 0, like that of a row that attends to nothing. */
export const ROW_FLAGS = `
const FLAGGED = 1u;
const ZERO_OUTPUT = 2u;`;

/** Data of a row for its weights and their gradients: see {@link ROW_WORDS}. */
export const GRADIENT_ROW: string = `
struct GradientRow {
  maximum: f32,
  inverseSum: f32,
  mean: f32,
  isFlagged: bool,
}

fn gradientRowOf(place: u32, isRow: bool) -> GradientRow {
  let at = params.rowsAt + ${ROW_WORDS}u * select(0u, place, isRow);
  return GradientRow(bitcast<f32>(table[at]), bitcast<f32>(table[at + 1u]), bitcast<f32>(table[at + 2u]),
    (table[at + 3u] & FLAGGED) != 0u);
}`;

/** `rowR` and `gradientRowR` for the rows of an invocation in the block. */
export function declareRows(geometry: Geometry): string {
  return each(
    geometry.rowsEach,
    (r) => `
  let index${r} = block.start + ${ownRow(geometry, r)};
  let isRow${r} = index${r} < block.count;
  let row${r} = rowOf(batch, block.batch, headOf(block, index${r}), indexOf(index${r}), isRow${r}, false);
  let gradientRow${r} = gradientRowOf(placeOf(block, index${r}), isRow${r});`,
  );
}

/** `weightsR`, from the products of a tile; a flagged row has none: flags keep its effect. */
export function weightsOf(rowsEach: number): string {
  return each(
    rowsEach,
    (r) => `
    let scores${r} = scoresOf(product${r}, row${r}, tile + i32(4u * threadKey), vec4<bool>(false));
    let weights${r} = select(vec4f(0.0),
      exponential(max(scores${r}.values - gradientRow${r}.maximum, vec4f(-100.0))) * gradientRow${r}.inverseSum,
      scores${r}.attended & vec4<bool>(!gradientRow${r}.isFlagged));`,
  );
}

/** Code of numbers of row r that dropout acts on: weights that values get, and gradients of weights. */
export function keptOf({ dropout }: Variant, r: number, numbers: string): string {
  return dropout ? `dropped(${numbers}, ${placeOfNoise(r)})` : numbers;
}

/** Code of dS of row r, from `dWeightR`, which may be infinite where it is excluded; before or behind the softcap. */
export function scoreGradient(variant: Variant, r: number, softcap: boolean = variant.softcap): string {
  const dWeight = keptOf(variant, r, `select(vec4f(0.0), dWeight${r}, scores${r}.attended)`);
  const before = `weights${r} * (${dWeight} - gradientRow${r}.mean)`;
  return softcap ? `(${before}) * (1.0 - scores${r}.saturation * scores${r}.saturation)` : before;
}
