import { MAXIMUM_VECTORS } from '../plan/geometry.ts';
import type { Variant } from '../plan/variant.ts';
import { addresses, blockFunctions } from '../shader/block.ts';
import { EXPONENTIAL, LOGARITHM } from '../shader/math.ts';
import { conversions } from '../shader/elements.ts';
import { type Shader, THREADS, read, shaderOf, written } from '../shader/module.ts';
import { BATCH } from '../shader/scores.ts';
import { FINITE, rowWriter, vectorsOf, writtenRows } from '../shader/tensors.ts';
import { passesOf } from '../shader/tile.ts';
import { FLAGS, OUTPUT_BITS, RECORD_VECTORS, finishFunctions, recordVectors } from './finish.ts';

/**
 * Joins the records that the splits of the keys left, in order of the splits. Grid: rows of a head group, slices of
 * batch and heads, passes over the columns.
 */
export function mergeShader(variant: Variant, sumsValues: boolean): Shader {
  const { valueDim, type, rows } = variant;
  const { passes, vectors } = sumsValues ? passesOf(valueDim, MAXIMUM_VECTORS) : { passes: 1, vectors: 1 };
  const size = recordVectors(sumsValues ? vectors : 0);
  const at = `(((y * params.splits + split) * block.count + x) * ${passes}u + columnPart) * ${size}u`;
  const writeOutput = `
  let outputAt = outputRow(block.batch, headOf(block, x), indexOf(x));
  for (var n = thread; n < ${vectors}u; n += ${THREADS}u) {
    if (columnPart * ${vectors}u + n >= ${vectorsOf(valueDim)}u) { break; }
    var total = vec4f(0.0);
    for (var split = 0u; split < params.splits; split++) {
      let at = ${at};
      let header = records[at];
      let factor = exponential1(max(bitcast<f32>(header.x) - maximum, -100.0));
      total = fma(bitcast<vec4f>(records[at + ${RECORD_VECTORS}u + n]), vec4f(factor), total);
    }
    write_output(outputAt, columnPart * ${vectors}u + n, outputBits(total, finished, sum == 0.0));
  }`;
  return shaderOf({
    label: 'merge of splits',
    bindings: [
      read('table'),
      read('records', 'vec4u'),
      written('rowResults'),
      ...(sumsValues ? [writtenRows('output', rows.output)] : []),
    ],
    declarations: [
      FINITE,
      conversions(type),
      FLAGS,
      EXPONENTIAL,
      LOGARITHM,
      BATCH,
      blockFunctions(true),
      finishFunctions(variant),
      sumsValues ? `${addresses('output')}\n${OUTPUT_BITS}\n${rowWriter('output', rows.output)}` : '',
      'const LOWEST = -0x1.fffffep+127f;',
    ],
    main: `
  let x = group.x + params.firstX;
  let y = group.y + params.firstY;
  let columnPart = group.z;
  let block = blockOf(x, y, 1u);
  var maximum = LOWEST;
  var best = LOWEST;
  var choice = -1;
  var flags = 0u;
  for (var split = 0u; split < params.splits; split++) {
    let at = ${at};
    let header = records[at];
    maximum = max(maximum, bitcast<f32>(header.x));
    flags |= header.z;
    let candidate = bitcast<i32>(header.w);
    let score = bitcast<f32>(records[at + 1u].x);
    if (candidate != -1 && (choice == -1 || score > best)) {
      choice = candidate;
      best = score;
    }
  }
  var sum = 0.0;
  for (var split = 0u; split < params.splits; split++) {
    let header = records[${at}];
    let factor = exponential1(max(bitcast<f32>(header.x) - maximum, -100.0));
    sum = fma(bitcast<f32>(header.y), factor, sum);
  }
  let finished = finish(maximum, sum, flags, headOf(block, x));
  if (thread == 0u && columnPart == 0u) { writeRow(finished, choice, batchOf(block.batch).base, placeOf(block, x)); }
${sumsValues ? writeOutput : ''}`,
  });
}
