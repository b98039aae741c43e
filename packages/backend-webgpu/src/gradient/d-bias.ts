import { type Geometry, ownRow, stageVectors, strideOf } from '../plan/geometry.ts';
import type { Variant } from '../plan/variant.ts';
import { queryOperand, workgroupMemory } from '../shader/block.ts';
import { numberWriter, writtenElement } from '../shader/elements.ts';
import { type Shader, each, shaderOf, written } from '../shader/module.ts';
import { products } from '../shader/tile.ts';
import { gradientBindings, gradientDeclarations, gradientOperands } from './common.ts';
import { declareRows, scoreGradient, weightsOf } from './rows.ts';

/**
 * dBias: a workgroup keeps a tile of the bias and goes over all that it was broadcast to, in order: batch, heads, rows,
 * keys. Grid: blocks of rows, one where rows are broadcast; batch and heads of the bias; tiles of keys, one where keys
 * are broadcast.
 */
export function dBiasShader(variant: Variant, geometry: Geometry): Shader {
  const { headDim, type } = variant;
  const { rows, rowsEach, keys } = geometry;
  const { key, value, dOutput } = gradientOperands(variant);
  const stride = strideOf(keys / 4);
  const place = (r: number): string => `${ownRow(geometry, r)} * ${stride}u + threadKey`;
  const main = `
  let threadKey = thread % 8u;
  let threadRow = thread / 8u;
  let isOneRow = params.biasRow == 0u;
  let isOneKey = params.biasKey == 0u;
  let biasHeads = select(params.heads, 1u, params.biasHead == 0u);
  let y = group.y + params.firstY;
  let biasBatch = y / biasHeads;
  let biasHead = y % biasHeads;
  let endBatch = select(biasBatch + 1u, params.batch, params.biasBatch == 0u);
  let endHead = select(biasHead + 1u, params.heads, params.biasHead == 0u);
  let ownRow = (group.x + params.firstX) * ${rows}u;
  let ownKey = i32(group.z * ${keys}u);
${each(rowsEach, (r) => `  var total${r} = vec4f(0.0);\n  var spoils${r} = vec4<bool>(false);`)}
  for (var b = biasBatch; b < endBatch; b++) {
    for (var h = biasHead; h < endHead; h++) {
      let batch = batchOf(b);
      let endRow = select(min(ownRow + 1u, params.queryLength), params.queryLength, isOneRow);
      for (var start = ownRow; start < endRow; start += ${rows}u) {
        let block = blockAt(b, h, h / params.headsPerKv, start, params.queryLength);
        let seen = seenKeys(block, batch, ${rows}u);
        let begin = max(seen.x / ${keys} * ${keys}, ownKey);
        let end = min(seen.y, select(ownKey + ${keys}, i32(params.keyLength), isOneKey));
${declareRows(geometry)}
        for (var tile = begin; tile < end; tile += ${keys}) {
          ${products('product', geometry, queryOperand(headDim), key, null)}
${weightsOf(rowsEach)}
          ${products('dWeight', geometry, dOutput, value, null)}
${each(
  rowsEach,
  (r) => `          total${r} += ${scoreGradient(variant, r, false)};
          spoils${r} |= scores${r}.attended & vec4<bool>(gradientRow${r}.isFlagged);`,
)}
        }
      }
    }
  }
  workgroupBarrier();
${each(
  rowsEach,
  (r) => `  weights[${place(r)}] = total${r};
  stage[${place(r)}] = select(vec4f(0.0), vec4f(1.0), spoils${r});`,
)}
  workgroupBarrier();
  // Sums over broadcast axes: each invocation takes some of the remaining terms.
  let ownRows = select(min(${rows}u, params.queryLength - ownRow), 1u, isOneRow);
  let ownKeys = select(min(${keys}u, params.keyLength - u32(ownKey)), 1u, isOneKey);
  for (var n = thread; n < ownRows * ownKeys; n += 64u) {
    let row = n / ownKeys;
    let column = n % ownKeys;
    var sum = 0.0;
    var spoiled = 0.0;
    for (var i = row; i < select(row + 1u, ${rows}u, isOneRow); i++) {
      for (var j = column; j < select(column + 1u, ${keys}u, isOneKey); j++) {
        sum += weights[i * ${stride}u + j / 4u][j % 4u];
        spoiled += stage[i * ${stride}u + j / 4u][j % 4u];
      }
    }
    let at = biasBatch * params.biasBatch + biasHead * params.biasHead + (ownRow + row) * params.biasRow
      + (u32(ownKey) + column) * params.biasKey - params.biasBase;
    store_dBias(at, vec4u(select(bitcast<u32>(sum), NAN, spoiled != 0.0)), 1u);
  }`;
  return shaderOf({
    label: 'dBias',
    subgroup: geometry.subgroup,
    bindings: [...gradientBindings(variant), written('dBias', writtenElement(type))],
    declarations: [
      ...gradientDeclarations(variant, false),
      numberWriter('dBias', type),
      workgroupMemory(geometry, {
        stage: Math.max(stageVectors(geometry, 0), rows * stride),
        exchange: false,
      }),
    ],
    main,
  });
}
