import { ownRow, strideOf } from '../../plan/geometry.ts';
import { beginBlock, beginRing } from '../../shader/block.ts';
import { type Shader, each, shaderOf } from '../../shader/module.ts';
import { vectorsOf } from '../../shader/tensors.ts';
import { stage, sums } from '../../shader/tile.ts';
import { type AttendOptions, type Attending, attendingOf } from './attending.ts';
import { attendBindings, attendDeclarations } from './declarations.ts';
import { attendEnd } from './end.ts';
import { attendTile, clear, flaggedQueries } from './tile.ts';

/**
 * Flash attention (Dao et al. 2022; the online softmax is Milakov and Gimelshein's, 2018): a workgroup takes a block of
 * query rows over all their keys, a tile at a time, with scores, maxima and sums in registers. Grid: blocks, slices of
 * batch and heads, splits of the keys · passes.
 *
 * A sum of 0 means "no key yet", and no maximum does: the maximum begins at the lowest float, which a score may be.
 */
export function attendShader(options: AttendOptions): Shader {
  const attending = attendingOf(options);
  const { variant, geometry, splits } = options;
  const { keys } = geometry;
  return shaderOf({
    label: `attend, ${variant.selection}${splits ? ' of a split' : ''}`,
    subgroup: geometry.subgroup,
    bindings: attendBindings(attending),
    declarations: attendDeclarations(attending),
    main: `${begin(attending)}
  for (var tile = begin / ${keys} * ${keys}; tile < end; tile += ${keys}) {
${attendTile(attending)}
  }

${lateQueryFlags(attending)}
${attendEnd(attending)}`,
  });
}

/** The block, its keys, and its rows, whose maxima and sums are those of no key. */
function begin({ variant, geometry, sumsValues, isHard, passes, vectors, columns }: Attending): string {
  const { headDim } = variant;
  const { rows, rowsEach, keys, staged, keepsQueries } = geometry;
  return `${beginBlock(geometry)}
  let columnPart = group.z % ${passes}u;
  let split = group.z / ${passes}u;
  let firstVector = columnPart * ${vectors}u;
  let column = threadKey % ${columns.threads}u;
  let keyGroup = threadKey / ${columns.threads}u;
  ${beginRing(variant)}
  let seen = seenKeys(block, batch, ${rows}u);
  let begin = max(seen.x, i32(split * params.splitKeys));
  let end = min(seen.y, i32((split + 1u) * params.splitKeys));
  ${clear('queryFlags', rows)}
  ${staged ? clear('keyFlags', keys) : ''}
  workgroupBarrier();
  ${keepsQueries ? stageQueries(headDim, rows) : ''}
  ${keepsQueries ? 'workgroupBarrier();' : ''}
${each(
  rowsEach,
  (r) => `
  let index${r} = block.start + ${ownRow(geometry, r)};
  let row${r} = rowOf(batch, block.batch, headOf(block, index${r}), indexOf(index${r}), index${r} < block.count,
    ${keepsQueries ? `(atomicLoad(&queryFlags[${ownRow(geometry, r)}]) & 1u) != 0u` : 'false'});
  var maximum${r} = LOWEST;
  var sum${r} = 0.0;
  var flags${r} = 0u;
  ${isHard ? `var best${r} = LOWEST;\n  var choice${r} = -1;` : ''}`,
)}
${sumsValues ? sums('sum', rowsEach, columns, (sum) => `  var ${sum} = vec4f(0.0);`) : ''}
`;
}

function stageQueries(headDim: number, rows: number): string {
  return stage(flaggedQueries(headDim), {
    rows,
    from: '0u',
    count: vectorsOf(headDim),
    target: 'queries',
    slot: (index) => `${index} * ${strideOf(vectorsOf(headDim))}u`,
  });
}

/** Flags of rows whose queries were staged with each tile, and which are known now. */
function lateQueryFlags({ geometry }: Attending): string {
  if (geometry.keepsQueries) return '';
  return `  workgroupBarrier();
${each(geometry.rowsEach, (r) => `  if (sum${r} > 0.0 && (atomicLoad(&queryFlags[${ownRow(geometry, r)}]) & 1u) != 0u) { flags${r} |= SCORE_FLAG; }`)}`;
}
