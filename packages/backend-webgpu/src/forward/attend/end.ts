import { ownRow } from '../../plan/geometry.ts';
import { type Reduction, acrossRow } from '../../shader/block.ts';
import { each } from '../../shader/module.ts';
import { foldSums } from '../../shader/tile.ts';
import { RECORD_VECTORS, recordVectors } from '../finish.ts';
import type { Attending } from './attending.ts';

/**
 * Combines and writes the results of the invocations of a row. Flags, which are rare, share `queryFlags`: bit 0 is the query's, so
 * that no barriers are theirs.
 */
export function attendEnd(attending: Attending): string {
  const { geometry, isHard, sumsValues, splits, columns, vectors, valueVectors, passes } = attending;
  const { rowsEach } = geometry;
  const row = (r: number): string => ownRow(geometry, r);
  const across = (reduction: Reduction): string => `
  workgroupBarrier();
${acrossRow(geometry, reduction)}`;
  // Behind the sums of a tile is a barrier: what was exchanged before has been read.
  const rowSums = `
${each(rowsEach, (r) => `  var rowSum${r} = 0.0;\n  if (flags${r} != 0u) { atomicOr(&queryFlags[${row(r)}], flags${r} << 1u); }`)}
${sumsValues ? '' : '  workgroupBarrier();'}
${acrossRow(geometry, { type: 'f32', of: (r) => `sum${r}`, into: (r) => `rowSum${r}`, combine: (a, b) => `(${a} + ${b})` })}
${each(rowsEach, (r) => `  let allFlags${r} = atomicLoad(&queryFlags[${row(r)}]) >> 1u;`)}`;
  // The best of all first, then the lowest key among those that have it; −1 is the largest unsigned number.
  const choices = !isHard
    ? ''
    : `
${each(rowsEach, (r) => `  var rowBest${r} = LOWEST;\n  var rowChoice${r} = 0u;`)}
${across({ type: 'f32', of: (r) => `best${r}`, into: (r) => `rowBest${r}`, combine: (a, b) => `max(${a}, ${b})` })}
${across({
  type: 'u32',
  of: (r) => `select(0xffffffffu, bitcast<u32>(choice${r}), best${r} == rowBest${r})`,
  into: (r) => `rowChoice${r}`,
  combine: (a, b) => `min(${a}, ${b})`,
})}`;
  const writeSums = (write: (c: number) => string): string =>
    !sumsValues
      ? ''
      : `    if (keyGroup == 0u) {
${each(columns.each, (c) => {
  const guard =
    vectors % columns.threads === 0 && passes === 1
      ? ''
      : `if (column + ${c * columns.threads}u < ${vectors}u && firstVector + column + ${c * columns.threads}u < ${valueVectors}u) `;
  return `      ${guard}{ ${write(c)} }`;
})}
    }`;
  const choiceOf = (r: number): string => (isHard ? `bitcast<i32>(rowChoice${r})` : '-1');
  const finishRow = (r: number): string => `
  if (index${r} < block.count) {
    let finished = finish(maximum${r}, rowSum${r}, allFlags${r}, headOf(block, index${r}));
    if (threadKey == 0u && columnPart == 0u) { writeRow(finished, ${choiceOf(r)}, batch.base, placeOf(block, index${r})); }
    ${sumsValues ? `let at = outputRow(block.batch, headOf(block, index${r}), indexOf(index${r}));` : ''}
${writeSums((c) => `write_output(at, firstVector + column + ${c * columns.threads}u, outputBits(sum${r}_${c}, finished, rowSum${r} == 0.0));`)}
  }`;
  const size = recordVectors(sumsValues ? vectors : 0);
  const recordRow = (r: number): string => `
  if (index${r} < block.count) {
    let at = (((y * params.splits + split) * block.count + index${r}) * ${passes}u + columnPart) * ${size}u;
    if (threadKey == 0u) {
      records[at] = vec4u(bitcast<u32>(maximum${r}), bitcast<u32>(rowSum${r}), allFlags${r}, bitcast<u32>(${choiceOf(r)}));
      ${isHard ? `records[at + 1u] = vec4u(bitcast<u32>(rowBest${r}), 0u, 0u, 0u);` : ''}
    }
${writeSums((c) => `records[at + ${RECORD_VECTORS}u + column + ${c * columns.threads}u] = bitcast<vec4u>(sum${r}_${c});`)}
  }`;
  return `${rowSums}
${choices}
${sumsValues ? foldSums('sum', geometry, columns, attending.weightsIn) : ''}
${each(rowsEach, splits ? recordRow : finishRow)}`;
}
