import { type Geometry, VALUE_CHUNK, ownRow, stageVectors, strideOf } from '../plan/geometry.ts';
import { type ProblemType, type Stored, unitOf } from '../plan/stored.ts';
import type { Variant } from '../plan/variant.ts';
import { queryOperand, workgroupMemory } from '../shader/block.ts';
import { numberWriter, writtenElement } from '../shader/elements.ts';
import { type Shader, THREADS, each, shaderOf, written } from '../shader/module.ts';
import { vectorsOf } from '../shader/tensors.ts';
import { type Columns, type Operand, columnsOf, passesOf, products, stage, sums } from '../shader/tile.ts';
import { gradientBindings, gradientDeclarations, gradientOperands } from './common.ts';
import { declareRows, keptOf, scoreGradient, weightsOf } from './rows.ts';

/** Vectors of dKey and dValue that one pass sums. */
const PASS_VECTORS = 32;
/** Keys of a tile that an invocation sums for: one vector of the tile's weights. */
const OWN_KEYS = 4;

export function keyValuePasses({ headDim, valueDim }: Pick<Variant, 'headDim' | 'valueDim'>): number {
  return passesOf(Math.max(headDim, valueDim), PASS_VECTORS).passes;
}

/**
 * dKey = scale · Σ_i dS_i · query_i and dValue = Σ_i weight_i · dO_i: a workgroup keeps a tile of keys and goes over the
 * rows of all query heads that read them, so that nothing is added across workgroups and the sums have one order. Both
 * go to one buffer, dValue behind dKey. Grid: tiles of keys, slices of batch and key/value heads, passes.
 */
export function dKeyValueShader(variant: Variant, geometry: Geometry): Shader {
  const { headDim, valueDim } = variant;
  // Quantized keys have no gradient.
  const type = variant.cacheType as ProblemType;
  const { rows, rowsEach, keys } = geometry;
  const dKey = sideOf(geometry, variant.rows.key, 'dKey');
  const dValue = sideOf(geometry, variant.rows.value, 'dValue');
  const { key, value, dOutput } = gradientOperands(variant);
  const place = (r: number): string => `${ownRow(geometry, r)} * ${strideOf(keys / 4)}u + threadKey`;
  const main = `
  let threadKey = thread % 8u;
  let threadRow = thread / 8u;
  let y = group.y + params.firstY;
  var block = blockOf(0u, y, ${rows}u);
  let tile = i32((group.x + params.firstX) * ${keys}u);
  for (var n = thread; n < ${keys}u; n += ${THREADS}u) { atomicStore(&keyFlags[n], 0u); }
  var spoils = vec4<bool>(false);
${dValue.begin}
${dKey.begin}
  // One batch element, or all that read the same keys.
  let endBatch = select(block.batch + 1u, params.batch, params.kvBatch < params.batch);
  for (; block.batch < endBatch; block.batch++) {
  let batch = batchOf(block.batch);
  // Rows that see any key of the tile.
  let firstRow = max(0, tile - batch.right + 1);
  let endRow = select(0, min(batch.queries, tile + ${keys} - batch.left), tile < batch.keys);
  for (var start = firstRow * i32(params.packed); start < endRow * i32(params.packed); start += ${rows}) {
    block.start = u32(start);
${declareRows(geometry)}
    ${products('product', geometry, queryOperand(headDim), key, null)}
${weightsOf(rowsEach)}
    ${products('dWeight', geometry, dOutput, value, null)}
${each(
  rowsEach,
  (r) => `    spoils |= scores${r}.attended & vec4<bool>(gradientRow${r}.isFlagged);
    weights[${place(r)}] = ${keptOf(variant, r, `weights${r}`)};`,
)}
    workgroupBarrier();
${dValue.add(dOutput)}
    workgroupBarrier();
${each(rowsEach, (r) => `    weights[${place(r)}] = ${scoreGradient(variant, r)};`)}
${dKey.add(queryOperand(headDim))}
  }
  }
  block.batch = endBatch - 1u;
  for (var k = 0u; k < 4u; k++) {
    if (spoils[k]) { atomicOr(&keyFlags[4u * threadKey + k], 1u); }
  }
  workgroupBarrier();
${dValue.fold}
${dKey.fold}
${dValue.write('1.0', 'params.dValueAt')}
${dKey.write('params.scale', '0u')}`;
  return shaderOf({
    label: 'dKey and dValue',
    subgroup: geometry.subgroup,
    bindings: [...gradientBindings(variant), written('gradients', writtenElement(type))],
    declarations: [
      ...gradientDeclarations(variant, true),
      numberWriter('gradients', type),
      workgroupMemory(geometry, {
        stage: Math.max(
          stageVectors(geometry, Math.max(vectorsOf(headDim), vectorsOf(valueDim))),
          rows * VALUE_CHUNK,
        ),
        exchange: false,
      }),
      `var<workgroup> keyFlags: array<atomic<u32>, ${keys}>;`,
      `var<workgroup> folding: array<vec4f, ${THREADS}>;`,
    ],
    main,
  });
}

/** The sums of dKey or of dValue. */
function sideOf({ rows, keys }: Geometry, stored: Stored, name: 'dKey' | 'dValue') {
  const { depth } = stored;
  const { vectors } = passesOf(depth, PASS_VECTORS);
  const all = vectorsOf(depth);
  const columns: Columns = columnsOf({ keyThreads: 8, vectorsEach: 1 }, vectors);
  const input = name === 'dKey' ? 'key' : 'value';
  const unit = unitOf(stored);
  const perChunk = Math.max(1, Math.floor(VALUE_CHUNK / columns.threads));
  const begin = `  let ${name}Column = threadKey % ${columns.threads}u;
  let ${name}Group = threadKey / ${columns.threads}u;
  let ${name}First = group.z * ${vectors}u;
${sums(name, OWN_KEYS, columns, (sum) => `  var ${sum} = vec4f(0.0);`)}`;
  /** Adds weights, transposed, times rows of an operand. */
  const add = (operand: Operand): string =>
    each(Math.ceil(columns.each / perChunk), (chunk) => {
      const own = Array.from({ length: Math.min(perChunk, columns.each - chunk * perChunk) }, (_, n) => n);
      const first = chunk * perChunk * columns.threads;
      const width = Math.min(perChunk * columns.threads, vectors - first);
      return `
    ${chunk > 0 ? 'workgroupBarrier();' : ''}
    ${stage(operand, { rows, from: `(${name}First + ${first}u)`, count: width, target: 'stage', slot: (index) => `${index} * ${width}u` })}
    workgroupBarrier();
    for (var i = ${name}Group; i < ${rows}u; i += ${columns.keyGroups}u) {
      let w = weights[i * ${strideOf(keys / 4)}u + threadRow];
${own
  .map((c) => {
    const column = `${name}Column + ${c * columns.threads}u`;
    const at = width % columns.threads === 0 ? column : `min(${column}, ${width - 1}u)`;
    return `      let v${c} = stage[i * ${width}u + ${at}];
${each(OWN_KEYS, (r) => {
  const sum = `${name}${r}_${chunk * perChunk + c}`;
  return `      ${sum} = fma(vec4f(w[${r}]), v${c}, ${sum});`;
})}`;
  })
  .join('\n')}
    }`;
    });
  const fold =
    columns.keyGroups === 1
      ? ''
      : sums(
          name,
          OWN_KEYS,
          columns,
          (sum) => `
  workgroupBarrier();
  folding[thread] = ${sum};
  workgroupBarrier();
  for (var other = 1u; other < ${columns.keyGroups}u; other++) {
    ${sum} += folding[threadRow * 8u + ${name}Column + other * ${columns.threads}u];
  }`,
        );
  const write = (factor: string, offset: string): string => `
  if (${name}Group == 0u) {
${sums(
  name,
  OWN_KEYS,
  columns,
  (sum, r, c) => `    {
      let own = ${OWN_KEYS}u * threadRow + ${r}u;
      let n = ${name}Column + ${c * columns.threads}u;
      if (u32(tile) + own < params.keyLength && n < ${vectors}u && ${name}First + n < ${all}u) {
        let at = ${offset} + ${unit}u * ${input}Row(block.batch, block.kvHead, u32(tile) + own) + 4u * (${name}First + n);
        let bits = select(bitcast<vec4u>(${factor} * ${sum}), vec4u(NAN), atomicLoad(&keyFlags[own]) != 0u);
        store_gradients(at, bits, min(4u, ${depth}u - 4u * (${name}First + n)));
      }
    }`,
)}
  }`;
  return { begin, add, fold, write };
}
