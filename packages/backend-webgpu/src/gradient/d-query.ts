import { type Geometry, MAXIMUM_VECTORS, ownRow, stageVectors, strideOf } from '../plan/geometry.ts';
import type { Variant } from '../plan/variant.ts';
import { acrossRow, beginBlock, queryOperand, workgroupMemory } from '../shader/block.ts';
import { type Shader, each, shaderOf } from '../shader/module.ts';
import { rowWriter, vectorsOf, writtenRows } from '../shader/tensors.ts';
import { accumulate, columnsOf, foldSums, passesOf, products, sums } from '../shader/tile.ts';
import { gradientBindings, gradientDeclarations, gradientOperands } from './common.ts';
import { declareRows, scoreGradient, weightsOf } from './rows.ts';

/**
 * dQuery = scale · Σ_j dS_j · key_j: a workgroup keeps a block of rows and goes over their keys. Scores come once more,
 * with the bits of the forward pass. Grid: blocks, slices of batch and heads, passes over the columns.
 */
export function dQueryShader(variant: Variant, geometry: Geometry): Shader {
  const { headDim, valueDim } = variant;
  const { rows, rowsEach, keys } = geometry;
  const { vectors } = passesOf(headDim, MAXIMUM_VECTORS);
  const columns = columnsOf(geometry, vectors);
  const { key, value, dOutput } = gradientOperands(variant);
  const place = (r: number): string => `${ownRow(geometry, r)} * ${strideOf(keys / 4)}u`;
  const main = `${beginBlock(geometry)}
  let firstVector = group.z * ${vectors}u;
  let column = threadKey % ${columns.threads}u;
  let keyGroup = threadKey / ${columns.threads}u;
  let seen = seenKeys(block, batch, ${rows}u);
${declareRows(geometry)}
${each(rowsEach, (r) => `  var attends${r} = 0u;\n  var attendsAny${r} = 0u;`)}
${sums('sum', rowsEach, columns, (sum) => `  var ${sum} = vec4f(0.0);`)}
  for (var tile = seen.x / ${keys} * ${keys}; tile < seen.y; tile += ${keys}) {
    ${products('product', geometry, queryOperand(headDim), key, null)}
${weightsOf(rowsEach)}
    ${products('dWeight', geometry, dOutput, value, null)}
${each(
  rowsEach,
  (r) => `    if (any(scores${r}.attended)) { attends${r} = 1u; }
    weights[${place(r)} + threadKey] = ${scoreGradient(variant, r)};`,
)}
    workgroupBarrier();
    ${accumulate('sum', geometry, columns, key, { weights: 'weights', vectors, firstVector: 'firstVector' })}
  }
  workgroupBarrier();
${acrossRow(geometry, {
  type: 'u32',
  of: (r) => `attends${r}`,
  into: (r) => `attendsAny${r}`,
  combine: (a, b) => `(${a} | ${b})`,
})}
${foldSums('sum', geometry, columns)}
${each(
  rowsEach,
  (r) => `
  if (isRow${r} && keyGroup == 0u) {
    let at = queryRow(block.batch, headOf(block, index${r}), indexOf(index${r}));
    let isNan = gradientRow${r}.isFlagged && attendsAny${r} != 0u;
${each(
  columns.each,
  (
    c,
  ) => `    if (column + ${c * columns.threads}u < ${vectors}u && firstVector + column + ${c * columns.threads}u < ${vectorsOf(headDim)}u) {
      write_dQuery(at, firstVector + column + ${c * columns.threads}u, select(bitcast<vec4u>(params.scale * sum${r}_${c}), vec4u(NAN), isNan));
    }`,
)}
  }`,
)}`;
  return shaderOf({
    label: 'dQuery',
    subgroup: geometry.subgroup,
    bindings: [...gradientBindings(variant), writtenRows('dQuery', variant.rows.query)],
    declarations: [
      ...gradientDeclarations(variant, false),
      rowWriter('dQuery', variant.rows.query),
      workgroupMemory(geometry, {
        stage: stageVectors(geometry, Math.max(vectorsOf(headDim), vectorsOf(valueDim))),
      }),
    ],
    main,
  });
}
