import type { Activation } from '@heed/core';
import { BITS, PRODUCT } from '../operations/bits.ts';
import { EXPONENTIAL } from '../shader/math.ts';
import { type Shader, THREADS, each, read, shaderOf, written } from '../shader/module.ts';
import { slopeFunction } from './activation.ts';

/** Rows that one workgroup adds for the gradient of the bias. */
export const CHUNK = 64;

/**
 * dZ from sums z and dY; it overwrites z. A dY of 0 gives 0, whatever z is; where z is NaN, so is dZ, but for `relu`, whose slope
 * is 0 there. Grid: elements.
 */
export function slopeShader(activation: Activation): Shader {
  const spoiled = activation === 'relu' ? '0u' : 'NAN';
  return shaderOf({
    label: `gradient of ${activation}`,
    bindings: [written('sums'), read('dOutput')],
    declarations: [BITS, PRODUCT, EXPONENTIAL, slopeFunction(activation)],
    main: `
  let at = 4u * ((group.x + params.firstX) * ${THREADS}u + thread);
  var z = vec4f(0.0);
  for (var k = 0u; k < 4u; k++) { if (at + k < params.rows) { z[k] = numberOf(sums[at + k]); } }
  let slopes = bitcast<vec4u>(slopeOf(z));
${each(
  4,
  (k) => `  if (at + ${k}u < params.rows) {
    let d = dOutput[at + ${k}u];
    let product = select(productOf(d, slopes[${k}]), ${spoiled}, isNonFinite(sums[at + ${k}u]));
    sums[at + ${k}u] = select(product, 0u, magnitudeOf(d) == 0u);
  }`,
)}`,
  });
}

/** Words that are 0 for rows of dZ without any number but 0. Grid: rows. */
export const INFLUENCE: Shader = shaderOf({
  label: 'rows that have influence',
  bindings: [read('dZ'), written('influence')],
  declarations: [BITS, 'var<workgroup> flags: array<u32, 64>;'],
  main: `
  let row = group.x + params.firstX;
  var flag = 0u;
  for (var n = thread; n < params.outputDim; n += ${THREADS}u) { flag |= magnitudeOf(dZ[row * params.outputDim + n]); }
  flags[thread] = flag;
  workgroupBarrier();
  if (thread == 0u) {
    for (var n = 1u; n < ${THREADS}u; n++) { flag |= flags[n]; }
    influence[row] = flag;
  }`,
});

/** A matrix `[rows, columns]` with its axes exchanged. Grid: elements of the result. */
export const TRANSPOSE: Shader = shaderOf({
  label: 'exchange of axes',
  bindings: [read('matrix'), written('exchanged')],
  declarations: [],
  main: `
  let at = (group.x + params.firstX) * ${THREADS}u + thread;
  if (at >= params.rows * params.outputDim) { return; }
  exchanged[at] = matrix[(at % params.rows) * params.outputDim + at / params.rows];`,
});

/**
 * Packs the transposed of a matrix `[rows, columns]`: columns become outputs, and rows what is summed. Grid: vectors of four rows,
 * column by column.
 *
 * @param skips true to take rows without influence as zeros: they may hold NaN.
 */
export function packTransposedShader(skips: boolean): Shader {
  return shaderOf({
    label: 'packing of a matrix with its axes exchanged',
    bindings: [read('matrix'), ...(skips ? [read('influence')] : []), written('packed', 'vec4u')],
    declarations: [],
    main: `
  let place = (group.x + params.firstX) * ${THREADS}u + thread;
  if (place >= (params.rows + 3u) / 4u * params.outputDim) { return; }
  let column = place % params.outputDim;
  let first = 4u * (place / params.outputDim);
  var bits = vec4u(0u);
${each(
  4,
  (k) =>
    `  if (first + ${k}u < params.rows${skips ? ` && influence[first + ${k}u] != 0u` : ''}) { bits[${k}] = matrix[(first + ${k}u) * params.outputDim + column]; }`,
)}
  packed[place] = bits;`,
  });
}

/** Sums of columns over some rows each. Grid: columns, parts of the rows. */
export const COLUMN_PARTS: Shader = shaderOf({
  label: 'sums of columns, in parts',
  bindings: [read('dZ'), written('parts')],
  declarations: [BITS],
  main: `
  let column = (group.x + params.firstX) * ${THREADS}u + thread;
  let part = group.y + params.firstY;
  if (column >= params.outputDim) { return; }
  var total = 0u;
  for (var row = ${CHUNK}u * part; row < min(${CHUNK}u * (part + 1u), params.rows); row++) {
    total = sumOf(total, dZ[row * params.outputDim + column]);
  }
  parts[part * params.outputDim + column] = total;`,
});

/** The sums of the parts, in their order. Grid: columns. */
export const COLUMN_SUMS: Shader = shaderOf({
  label: 'sums of columns',
  bindings: [read('parts'), written('dBias')],
  declarations: [BITS],
  main: `
  let column = (group.x + params.firstX) * ${THREADS}u + thread;
  if (column >= params.outputDim) { return; }
  var total = 0u;
  for (var part = 0u; part < (params.rows + ${CHUNK - 1}u) / ${CHUNK}u; part++) {
    total = sumOf(total, parts[part * params.outputDim + column]);
  }
  dBias[column] = total;`,
});
